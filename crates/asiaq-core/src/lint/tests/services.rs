//! Alarms, databases, caches, search domains, log metrics.

use super::*;

#[test]
fn alarms_and_whom_they_tell() {
    let told = "[notifications]\nops_ci_critical=a@x.com\n[defaults]\ncustom_metric=no\nperiod=60\nduration=1\nstatistic=Sum\n";
    let rows: [(&str, &[&str]); 19] = [
        (
            "[ops.AWS/EC2.CPU]\nthreshold_max=1\n[ops.AWS/EC2.CPU.mhcweb]\nlevel=critical\n",
            &[],
        ),
        (
            "[CPU]\n",
            &["disco_alarms.ini:8: [CPU]: not the name of an alarm"],
        ),
        (
            "[notification]\n",
            &[
                "disco_alarms.ini:8: [notification]: not the name of an alarm: write TEAM.NAMESPACE.METRIC or TEAM.NAMESPACE.METRIC.HOSTCLASS (did you mean `notifications`?)",
            ],
        ),
        (
            "[ops.AWS/EC2.CPU]\nthreshold=1\n",
            &[
                "disco_alarms.ini:9: [ops.AWS/EC2.CPU] threshold: warning: unknown option `threshold`",
            ],
        ),
        (
            "[ops.AWS/EC2.CPU]\nthreshold_max=-1\n",
            &[
                "disco_alarms.ini:9: [ops.AWS/EC2.CPU] threshold_max: `-1` is not a valid threshold value",
            ],
        ),
        (
            "[ops.AWS/EC2.CPU]\nperiod=x\n",
            &["disco_alarms.ini:9: [ops.AWS/EC2.CPU] period: `x` is no integer"],
        ),
        (
            "[ops.AWS/EC2.CPU]\nstatistic=sum\n",
            &["disco_alarms.ini:9: [ops.AWS/EC2.CPU] statistic: `sum` is none of"],
        ),
        (
            "[ops.AWS/EC2.CPU]\ncustom_metric=yes\n",
            &[
                "disco_alarms.ini:9: [ops.AWS/EC2.CPU] custom_metric: warning: `yes` counts as no here",
            ],
        ),
        (
            "[ops.AWS/EC2.CPU]\nlevel=loud\n",
            &["disco_alarms.ini:9: [ops.AWS/EC2.CPU] level: `loud` is none of `critical`, `info`"],
        ),
        (
            "[ops.AWS/EC2.CPU]\nlevel=info\n",
            &[
                "disco_alarms.ini:8: [ops.AWS/EC2.CPU]: warning: nobody is told: there is no notification ops_ENV_info",
            ],
        ),
        (
            "[AWS/EC2.CPU]\n",
            &[
                "disco_alarms.ini:8: [AWS/EC2.CPU]: warning: nobody is told: there is no notification ENV_critical",
            ],
        ),
        (
            "[ops.AWS/EC2.CPU.mhcwebs]\n",
            &[
                "disco_alarms.ini:8: [ops.AWS/EC2.CPU.mhcwebs]: warning: there is no hostclass section `mhcwebs` (did you mean `mhcweb`?)",
            ],
        ),
        (
            "[ops.AWS/RDS.Free.db]\n",
            &[
                "disco_alarms.ini:8: [ops.AWS/RDS.Free.db]: warning: there is no database in disco_rds.ini `db`",
            ],
        ),
        (
            "[ops.AWS/ES.Red]\n",
            &[
                "disco_alarms.ini:8: [ops.AWS/ES.Red]: warning: no alarm: it needs the name of a domain",
            ],
        ),
        (
            "[ops.AWS/ES.Red.logs]\n",
            &[
                "disco_alarms.ini:8: [ops.AWS/ES.Red.logs]: warning: there is no domain in disco_elasticsearch.ini `logs`",
            ],
        ),
        (
            "[ops.LogMetrics.Err.mhcweb]\nlog_pattern_metric=yes\n",
            &[
                "disco_alarms.ini:8: [ops.LogMetrics.Err.mhcweb]: warning: there is no section in disco_log_metrics.ini `mhcweb.Err`",
            ],
        ),
        ("[notifications]\nops_qa_info=a@x.com\n", &[]),
        (
            "[notifications]\nops_ci_loud=a@x.com\n",
            &[
                "disco_alarms.ini:9: [notifications] ops_ci_loud: unsupported notification level `loud`",
            ],
        ),
        (
            "[notifications]\nops_ci_info=a\n",
            &["disco_alarms.ini:9: [notifications] ops_ci_info: failed to determine endpoint type"],
        ),
    ];
    for (more, wanted) in rows {
        expect(&[("disco_alarms.ini", &format!("{told}{more}"))], wanted);
    }
    let misspelt = format!("{told}[notifications]\nops_stagin_info=a@x.com\n");
    expect(
        &[STAGING, ("disco_alarms.ini", &misspelt)],
        &[
            "disco_alarms.ini:9: [notifications] ops_stagin_info: warning: there is no environment or type `stagin`",
        ],
    );
    expect(
        &[(
            "disco_alarms.ini",
            "[ops.AWS/EC2.CPU]\ncustom_metric=no\nperiod=60\nstatistic=Sum\n",
        )],
        &["disco_alarms.ini:1: [ops.AWS/EC2.CPU] duration: this option is required"],
    );
}

#[test]
fn databases_and_their_parameters() {
    let sound = "[ci-db]\nengine=postgres\nengine_version=17\ndb_instance_class=db.m7g.large\nallocated_storage=10\nmaster_username=a\n";
    let rows: [(&str, &[&str]); 8] = [
        (
            "port=5432\nmulti_az=no\npreferred_backup_window=04:00-05:00\n",
            &[],
        ),
        (
            "multi_as=no\n",
            &[
                "disco_rds.ini:7: [ci-db] multi_as: warning: unknown option `multi_as` (did you mean `multi_az`?)",
            ],
        ),
        (
            "port=http\n",
            &["disco_rds.ini:7: [ci-db] port: `http` is no integer from 1 to 65535"],
        ),
        (
            "preferred_backup_window=4-5\n",
            &["disco_rds.ini:7: [ci-db] preferred_backup_window: `4-5` is no window"],
        ),
        (
            "[ci]\n",
            &[
                "disco_rds.ini:7: [ci]: warning: no database",
                "disco_rds.ini:7: [ci] allocated_storage",
                "disco_rds.ini:7: [ci] db_instance_class",
                "disco_rds.ini:7: [ci] engine: ",
                "disco_rds.ini:7: [ci] engine_version",
                "disco_rds.ini:7: [ci] master_username",
            ],
        ),
        (
            "engine=mariadb\n",
            &["disco_rds.ini:1: [ci-db] port: this option is required"],
        ),
        (
            "engine=\n",
            &["disco_rds.ini:7: [ci-db] engine: the value is empty"],
        ),
        (
            "port@ci=1\n",
            &[
                "disco_rds.ini:7: [ci-db] port@ci: warning: unknown option: `port` has no `@` form here",
            ],
        ),
    ];
    for (more, wanted) in rows {
        expect(&[("disco_rds.ini", &format!("{sound}{more}"))], wanted);
    }
    let other = sound.replace("ci-db", "my-test-db");
    expect(
        &[
            ("disco_rds.ini", &other),
            ("rds/engine_specific/db.ini", "[my-test]\nwork_mem=1\n"),
        ],
        &[],
    );
    expect(
        &[
            STAGING,
            ("disco_rds.ini", &sound.replace("ci-db", "stagin-db")),
        ],
        &["disco_rds.ini:1: [stagin-db]: warning: there is no environment or type `stagin`"],
    );
    let engine = |name: &str, text: &str, wanted: &[&str]| {
        expect(
            &[
                ("disco_rds.ini", sound),
                (&format!("rds/engine_specific/{name}"), text),
            ],
            wanted,
        );
        expect(
            &[
                ("disco_rds.ini", sound),
                (&format!("config/rds/engine_specific/{name}"), text),
            ],
            &wanted
                .iter()
                .map(|w| w.replace("rds/", "config/rds/"))
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        );
    };
    engine("db.ini", "[ci]\nwork_mem=1\n", &[]);
    engine(
        "dbs.ini",
        "[ci]\n",
        &[
            "rds/engine_specific/dbs.ini: warning: there is no database `dbs` in disco_rds.ini (did you mean `db`?)",
        ],
    );
    engine(
        "db.ini",
        "[qa]\nx=%(gone)s\n",
        &["rds/engine_specific/db.ini:2: [qa] x: "],
    );
}

#[test]
fn caches_and_search_domains() {
    let cache = "[ci:c]\ninstance_type=cache.t4g.small\nengine_version=7.1\nparameter_group=p\nnum_nodes=2\nport=6379\n";
    let rows: [(&str, &[&str]); 6] = [
        ("engine=redis\nmaintenance_window=sat:5:00-sat:06:00\n", &[]),
        (
            "num_nodes=none\n",
            &["disco_elasticache.ini:7: [ci:c] num_nodes: `none` is no integer"],
        ),
        (
            "instance_type=t4g.small\n",
            &["disco_elasticache.ini:7: [ci:c] instance_type: `t4g.small` is no node type"],
        ),
        (
            "meta_network=x\n",
            &["disco_elasticache.ini:7: [ci:c] meta_network: unknown metanetwork `x`"],
        ),
        (
            "[c]\n",
            &["disco_elasticache.ini:7: [c]: warning: unknown section: write it as [ENV:CLUSTER]"],
        ),
        (
            "[qa:c]\nport=1\n",
            &[
                "disco_elasticache.ini:7: [qa:c] engine_version",
                "disco_elasticache.ini:7: [qa:c] instance_type",
                "disco_elasticache.ini:7: [qa:c] num_nodes",
                "disco_elasticache.ini:7: [qa:c] parameter_group",
            ],
        ),
    ];
    for (more, wanted) in rows {
        expect(
            &[("disco_elasticache.ini", &format!("{cache}{more}"))],
            wanted,
        );
    }
    let homeless = AWS
        .replace("default_meta_network=intranet\n", "")
        .replace("[mhcweb]\n", "");
    expect(
        &[
            ("disco_aws.ini", &homeless),
            ("disco_elasticache.ini", cache),
        ],
        &[
            "disco_elasticache.ini:1: [ci:c] meta_network: this option is required (or set `default_meta_network`",
        ],
    );
    let search = "[defaults]\nversion=7.10\nsnapshot_start_hour=5\nallowed_source_ips=\nzone_awareness=no\ndedicated_master=no\n\
        ebs_enabled=no\n[ci:logs]\ninstance_type=m6g.large.elasticsearch\ninstance_count=1\n";
    let rows: [(&str, &[&str]); 11] = [
        ("", &[]),
        // A remark is no value: the default stays.
        (
            "version=# 7.10\nvolume_size=# GB\ndedicated_master=# yes\n",
            &[],
        ),
        (
            "ebs_enabled=yes\nvolume_type=gp3\nvolume_size=# GB\n",
            &["disco_elasticsearch.ini:8: [ci:logs] volume_size: this option is required"],
        ),
        (
            "ebs_enabled=yes\nvolume_type=io1\nvolume_size=10\n",
            &["disco_elasticsearch.ini:8: [ci:logs] iops: this option is required"],
        ),
        (
            "dedicated_master=yes\n",
            &[
                "disco_elasticsearch.ini:8: [ci:logs] dedicated_master_count",
                "disco_elasticsearch.ini:8: [ci:logs] dedicated_master_type",
            ],
        ),
        (
            "snapshot_start_hour=24\n",
            &[
                "disco_elasticsearch.ini:11: [ci:logs] snapshot_start_hour: `24` is no integer from 0 to 23",
            ],
        ),
        (
            "allowed_source_ips=1.2.3.4 here\n",
            &["disco_elasticsearch.ini:11: [ci:logs] allowed_source_ips: `here` is neither"],
        ),
        (
            "archive_threshold=80\n",
            &["disco_elasticsearch.ini:11: [ci:logs] archive_threshold: `80` is no fraction"],
        ),
        (
            "[CI:x]\ninstance_type=m6g.large.elasticsearch\ninstance_count=1\n",
            &["disco_elasticsearch.ini:11: [CI:x]: warning: `CI` must be lower case"],
        ),
        (
            "[ci:a-name-that-is-much-too-long]\ninstance_type=m6g.large.elasticsearch\ninstance_count=1\n",
            &["disco_elasticsearch.ini:11: [ci:a-name-that-is-much-too-long]: the domain"],
        ),
        (
            "[ci:x]\ninstance_type=m6g.large.elasticsearch\n",
            &["disco_elasticsearch.ini:11: [ci:x] instance_count: this option is required"],
        ),
    ];
    for (more, wanted) in rows {
        expect(
            &[("disco_elasticsearch.ini", &format!("{search}{more}"))],
            wanted,
        );
    }
}

#[test]
fn log_metrics() {
    table(
        "disco_log_metrics.ini",
        &[
            (
                "[mhcweb.E]\nlog_file=/a\nfilter_pattern=[a, b]\nmetric_value=$b\n",
                &[],
            ),
            (
                "[mhcweb.E]\nlog_file=a\nfilter_pattern=x\nmetric_value=b\n",
                &[
                    "disco_log_metrics.ini:2: [mhcweb.E] log_file: `a` is no absolute path",
                    "disco_log_metrics.ini:4: [mhcweb.E] metric_value: `b` is neither a number nor",
                ],
            ),
            (
                "[mhcweb.E]\nlog_file=/a\nmetric_value=1\n",
                &["disco_log_metrics.ini:1: [mhcweb.E] filter_pattern: this option is required"],
            ),
            (
                "[mhcwep.E]\nlog_file=/a\nfilter_pattern=x\nmetric_value=1\n",
                &[
                    "disco_log_metrics.ini:1: [mhcwep.E]: warning: there is no hostclass section `mhcwep`",
                ],
            ),
            (
                "[mhcweb]\n",
                &["disco_log_metrics.ini:1: [mhcweb]: warning: unknown section"],
            ),
            (
                "[mhcweb.E]\nlog_file=/a\nfilter_pattern=x\nmetric_value=1\n[mhcweb.E.x]\nlog_file=/a\nfilter_pattern=x\nmetric_value=1\n",
                &["disco_log_metrics.ini:5: [mhcweb.E.x]: warning: there is another section"],
            ),
        ],
    );
}
