#!/usr/bin/env bash
# Prepares a Jenkins job for AWS and ssh. Sourced, never run; the rest goes away when the job's shell ends.
#   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY [AWS_SESSION_TOKEN]   go into a credentials file, out of the environment.
#   AWS_REGION or AWS_DEFAULT_REGION                               goes into the generated config file.
# Without keys nothing is generated: the machine's own role or profile counts. An ssh agent is started unless one answers.

ASIAQ_JOB_DIR=$(mktemp -d)
ASIAQ_JOB_AGENT=

asiaq_job_end() {
    if [[ -n $ASIAQ_JOB_AGENT ]]; then
        kill "$ASIAQ_JOB_AGENT" 2>/dev/null || true
    fi
    rm -rf "$ASIAQ_JOB_DIR"
}
trap asiaq_job_end EXIT

# ssh-add exits 2 when no agent answers, 1 when the agent has no key yet.
asiaq_agent_answers() {
    local status=0
    [[ -n ${SSH_AUTH_SOCK:-} ]] || return 1
    ssh-add -l >/dev/null 2>&1 || status=$?
    (( status < 2 ))
}

if ! asiaq_agent_answers; then
    eval "$(ssh-agent -s)" >/dev/null
    ASIAQ_JOB_AGENT=$SSH_AGENT_PID
fi

if [[ -n ${AWS_ACCESS_KEY_ID:-} && -n ${AWS_SECRET_ACCESS_KEY:-} ]]; then
    export AWS_CONFIG_FILE=$ASIAQ_JOB_DIR/config
    export AWS_SHARED_CREDENTIALS_FILE=$ASIAQ_JOB_DIR/credentials
    # printf is a builtin: the keys are in no process listing.
    (
        umask 077
        {
            printf '[default]\n'
            printf 'aws_access_key_id = %s\n' "$AWS_ACCESS_KEY_ID"
            printf 'aws_secret_access_key = %s\n' "$AWS_SECRET_ACCESS_KEY"
            if [[ -n ${AWS_SESSION_TOKEN:-} ]]; then
                printf 'aws_session_token = %s\n' "$AWS_SESSION_TOKEN"
            fi
        } >"$AWS_SHARED_CREDENTIALS_FILE"
        {
            printf '[default]\n'
            region=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
            if [[ -n $region ]]; then
                printf 'region = %s\n' "$region"
            fi
        } >"$AWS_CONFIG_FILE"
    )
    # The files count from here on; another profile would be looked for in them.
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE
fi
