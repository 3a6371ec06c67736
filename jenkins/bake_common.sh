#!/usr/bin/env bash
# Functions for jobs that bake. Sourced, never run. The bakes themselves, their order and their number at once are disco_bake's.
#   LOG_DIR        where logs go                              [bake_logs.$BUILD_NUMBER]
#   MAX_ATTEMPTS   how often a hostclass is tried             [2]
#   PARALLEL       how many bakes at once                     [4]
#   BAKE_TO_STAGE  stage of the new images                    [the first of ami_stages]
#   TOKEN          token of the job bake-hostclass-STATUS     [none: nothing is reported]
#   JENKINS_URL    where that job is                          [https://localhost/jenkins/]

LOG_DIR=${LOG_DIR:-bake_logs.${BUILD_NUMBER:-0}}
MAX_ATTEMPTS=${MAX_ATTEMPTS:-2}
PARALLEL=${PARALLEL:-4}
JENKINS_URL=${JENKINS_URL:-https://localhost/jenkins/}

# report_status HOSTCLASS true|false: tells the status job. The token goes to curl through its standard input.
report_status() {
    if [[ -z ${TOKEN:-} ]]; then
        echo "TOKEN is not set: the result of $1 is not reported" >&2
        return 0
    fi
    local token=${TOKEN//\\/\\\\} json
    token=${token//\"/\\\"}
    json="{\"parameter\":[{\"name\":\"HOSTCLASS\",\"value\":\"$1\"},{\"name\":\"SUCCEEDED\",\"value\":\"$2\"}]}"
    printf 'data = "token=%s"\n' "$token" \
        | curl -ksS -X POST "${JENKINS_URL%/}/job/bake-hostclass-STATUS/build" -K - --data-urlencode "json=$json" \
        || echo "the result of $1 could not be reported" >&2
}

# made HOSTCLASS FILE: whether a line of FILE says that its image was made.
made() {
    awk -v hostclass="$1" \
        '$1 == "Created" && $2 == hostclass && $4 == "AMI" && $5 ~ /^ami-/ { found = 1 } END { exit !found }' "$2"
}

# bake_round ATTEMPT HOSTCLASS...: one disco_bake for all of them. Results are added to $LOG_DIR/results.ATTEMPT, what each hostclass
# says goes to its own log; lines without one go to every log.
bake_round() {
    local attempt=$1 options=(--use-local-ip --parallel "$PARALLEL") hostclass
    shift
    if [[ -n ${BAKE_TO_STAGE:-} ]]; then
        options+=("--stage=$BAKE_TO_STAGE")
    fi
    for hostclass in "$@"; do
        options+=(--hostclass "$hostclass")
        : >"$LOG_DIR/$hostclass.$attempt.log"
    done
    disco_bake.py --debug bake "${options[@]}" 2>&1 >>"$LOG_DIR/results.$attempt" \
        | awk -v directory="$LOG_DIR" -v attempt="$attempt" -v names="$*" '
            BEGIN { count = split(names, list, " "); for (i = 1; i <= count; i++) known[list[i]] = 1 }
            function keep(name) { file = directory "/" name "." attempt ".log"; print >>file; fflush(file) }
            function owner(words) {
                if (!match($0, /(^| )[^ ]+ \[[0-9.]+ s\] /)) return ""
                split(substr($0, RSTART, RLENGTH), words, " ")
                return words[1]
            }
            { name = owner(); if (name in known) keep(name); else for (name in known) keep(name) }' \
        || true
}

# began ATTEMPT HOSTCLASS...: whether the bake of one of them has begun: its log has a line with its name and the seconds.
began() {
    local attempt=$1 hostclass
    shift
    for hostclass in "$@"; do
        if grep -qE "(^| )$hostclass \\[[0-9.]+ s\\] " "$LOG_DIR/$hostclass.$attempt.log"; then
            return 0
        fi
    done
    return 1
}

# bake_apart ATTEMPT HOSTCLASS...: as bake_round with a disco_bake for each, PARALLEL of them at once.
bake_apart() {
    local attempt=$1 hostclass running=0
    shift
    for hostclass in "$@"; do
        if (( running >= PARALLEL )); then
            wait -n || true
            running=$((running - 1))
        fi
        bake_round "$attempt" "$hostclass" &
        running=$((running + 1))
    done
    wait
}

# bake_hostclasses HOSTCLASS...: bakes all of them at once, those that fail again. Always succeeds.
bake_hostclasses() {
    local attempt=0 left=("$@") failed hostclass
    mkdir -p "$LOG_DIR"
    while (( ${#left[@]} > 0 && attempt < MAX_ATTEMPTS )); do
        : >"$LOG_DIR/results.$attempt"
        bake_round "$attempt" "${left[@]}"
        # disco_bake begins no bake if it cannot prepare one of them: the others shall not suffer.
        if (( ${#left[@]} > 1 )) && ! began "$attempt" "${left[@]}"; then
            bake_apart "$attempt" "${left[@]}"
        fi
        failed=()
        for hostclass in "${left[@]}"; do
            if made "$hostclass" "$LOG_DIR/results.$attempt"; then
                echo "$hostclass: baked"
                report_status "$hostclass" true
            else
                failed+=("$hostclass")
            fi
        done
        left=(${failed[@]+"${failed[@]}"})
        attempt=$((attempt + 1))
    done
    for hostclass in ${left[@]+"${left[@]}"}; do
        echo "$hostclass: failed"
        tail -n 250 "$LOG_DIR/$hostclass.$((attempt - 1)).log" | sed "s/^/$hostclass $((attempt - 1)): /"
        report_status "$hostclass" false
    done
}

# bake HOSTCLASS: the same for one.
bake() {
    bake_hostclasses "$1"
}
