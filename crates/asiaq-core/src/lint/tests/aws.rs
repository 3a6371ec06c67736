//! `disco_aws.ini`: what is left alone, forms that nobody looks up, and options of `[DEFAULT]`.

use super::*;

#[test]
fn what_operators_have_besides_ours_is_left_alone() {
    table(
        "disco_aws.ini",
        &[
            ("+[test]\n[team]\nx=1\n[jenkins]\nphase=beta\n", &[]),
            (
                "+[image]\nbake_ami=ami-12345678\nour_own_option=1\n[other]\nphase=1\nbuilder=x\n",
                &[],
            ),
            (
                "+[mhcx]\ncommand=a\nuser=b\nenv=nowhere\nhostclass=d\n",
                &[],
            ),
        ],
    );
    expect(
        &[STAGING, ("disco_aws.ini", "+[test]\nenv=stagin\n")],
        &["disco_aws.ini:10: [test] env: warning: there is no environment or type `stagin`"],
    );
}

#[test]
fn forms_that_nobody_looks_up() {
    table(
        "disco_aws.ini",
        &[
            (
                "+phase@ci=2\n",
                &[
                    "disco_aws.ini:9: [mhcweb] phase@ci: warning: unknown option: `phase` has no `@` form here",
                ],
            ),
            (
                "+[disco_aws]\nproject_name@ci=x\ndefault_bake_ami@ci=x\n",
                &[
                    "disco_aws.ini:10: [disco_aws] project_name@ci: warning: unknown option: `project_name` has",
                    "disco_aws.ini:11: [disco_aws] default_bake_ami@ci: warning: unknown option: `default_bake_ami` has",
                ],
            ),
        ],
    );
}

#[test]
fn options_of_all_sections_are_told_once_at_their_place() {
    table(
        "disco_aws.ini",
        &[
            (
                "+[DEFAULT]\nchaos=maybe\nanything=%%\n[mhcx]\n",
                &["disco_aws.ini:10: [DEFAULT] chaos: warning: `maybe` is no boolean"],
            ),
            ("+chaos=no\n[DEFAULT]\nchaos=maybe\n", &[]),
            (
                "+[DEFAULT]\nmeta_network@ci=web\n[mhcx]\n",
                &["disco_aws.ini:10: [DEFAULT] meta_network@ci: unknown metanetwork `web`"],
            ),
        ],
    );
    let rds = "[DEFAULT]\nbackup_retention_period=abc\n[ci-a]\nengine=postgres\nengine_version=16.4\n\
        db_instance_class=db.m7g.large\nallocated_storage=20\nmaster_username=root\n";
    let root = tree(&[("disco_rds.ini", rds)]);
    let told = told(root.path());
    let place = "disco_rds.ini:2: [DEFAULT] backup_retention_period: ";
    let own = told.iter().filter(|told| told.starts_with(place));
    assert_eq!(own.count(), 1, "{told:?}");
}

#[test]
fn forms_of_all_hostclasses_matter_where_they_are_read() {
    let form = "[disco_aws]\ndefault_elb_idle_timeout@ci=x\n";
    expect(&[("disco_aws.ini", &format!("+{form}"))], &[]);
    expect(
        &[("disco_aws.ini", &format!("+elb=yes\n{form}"))],
        &[
            "disco_aws.ini:11: [disco_aws] default_elb_idle_timeout@ci: `x` is not a number of seconds",
        ],
    );
    expect(
        &[(
            "disco_aws.ini",
            &format!("+{form}default_elb@ci=yes\n[mhcother]\nelb=no\n"),
        )],
        &[
            "disco_aws.ini:10: [disco_aws] default_elb_idle_timeout@ci: `x` is not a number of seconds",
        ],
    );
}
