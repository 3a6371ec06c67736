//! What values of each kind are told.
use super::*;

/// Each kind: values that are fine, those that are refused, and those that are suspicious.
#[test]
fn every_kind() {
    type Values = &'static [&'static str];
    let table: [(Kind, Values, Values, Values); 25] = [
        (
            Kind::Bool,
            &["yes", "No", "TRUE", "0", "none"],
            &[],
            &["on", "off", "maybe", "2"],
        ),
        (
            Kind::OnlyTrue,
            &["true", "TRUE", "false", "no"],
            &[],
            &["yes", "1", "on"],
        ),
        (
            Kind::Whole(1, 5),
            &["1", "5", " 3 "],
            &["0", "6", "x", "-1", "1.5", ""],
            &[],
        ),
        (
            Kind::Whole(3, u64::MAX),
            &["3", "99999999999"],
            &["2", "a"],
            &[],
        ),
        (
            Kind::Digits,
            &["0", "10000000000000000000000"],
            &["-1", "1.5", "x"],
            &[],
        ),
        (
            Kind::Fraction,
            &[".8", "1", "0.001"],
            &["0", "1.1", "-1", "x", "NaN"],
            &[],
        ),
        (
            Kind::OneOf(&["a", "b"]),
            &["a", "b"],
            &["A", "c", "a b"],
            &[],
        ),
        (
            Kind::Strategy,
            &["blue_green", "blue_green # one of [blue_green]", "rolling"],
            &["canary", "Blue_green"],
            &[],
        ),
        (Kind::Net, &["intranet", "dmz"], &["Intranet", "web"], &[]),
        (
            Kind::Instance,
            &[
                "m7i.large",
                "t3.nano",
                "u-6tb1.112xlarge",
                "m7g.metal",
                "m8g.metal-24xl",
                "p5.48xlarge",
            ],
            &[
                "m7i",
                "m7i.lrge",
                "large",
                "m7i.",
                ".large",
                "m7i large",
                "M7i.large",
                "mi.large",
                "m7i.xxlarge",
            ],
            &["m3.large", "c3.8xlarge", "t1.micro"],
        ),
        (
            Kind::Database,
            &["db.m7g.large", "db.r5.2xlarge.tpc1.mem2x"],
            &["m7g.large", "db.m7g", "db."],
            &[],
        ),
        (
            Kind::Cache,
            &["cache.t4g.small"],
            &["t4g.small", "cache.t4g"],
            &[],
        ),
        (
            Kind::Search,
            &["m6g.large.elasticsearch", "r6g.large.search"],
            &["m6g.large", "large.elasticsearch"],
            &[],
        ),
        (
            Kind::Addresses,
            &["10.0.0.1", "10.0.0.0/8, 2001:db8::/32"],
            &["10.0.0", "10.0.0.0/33", "x"],
            &[],
        ),
        (
            Kind::Ami,
            &["ami-0e8cb674665b1053a", "ami-12345678"],
            &["ami-", "ami-1234567", "ami-0e8cb674665b1053x"],
            &[],
        ),
        (
            Kind::Accounts,
            &["111122223333", "111122223333 444455556666"],
            &["1111", "11112222333x"],
            &[],
        ),
        (
            Kind::Daily,
            &["04:00-04:30", "23:45-00:15"],
            &["04:00-04:29", "4:00-5:00", "25:00-26:00", "x"],
            &[],
        ),
        (
            Kind::Weekly(60),
            &[
                "sat:05:00-sat:06:00",
                "Sun:23:30-mon:00:30",
                "sat:5:00-sat:06:00",
            ],
            &[
                "sat:05:00-sat:05:59",
                "05:00-06:00",
                "sa:05:00-sa:06:00",
                "sat:5:0-sat:6:00",
                "sat:+5:00-sat:06:00",
            ],
            &[],
        ),
        (
            Kind::Zone,
            &["Europe/Berlin", "US/Eastern", "UTC"],
            &["Berlin", "Europe/Berlim"],
            &[],
        ),
        (
            Kind::Url,
            &["https://x.example.com/a"],
            &["x.example.com", "https://", "ftp://x", "https://a b"],
            &[],
        ),
        (
            Kind::Bucket,
            &["acme-data", "a.b"],
            &["Acme", "a_b", "a b"],
            &[],
        ),
        (Kind::Path, &["/var/log/x"], &["var/log"], &[]),
        (Kind::Metric, &["1", "0.5", "$bytes"], &["bytes", "$"], &[]),
        (Kind::Filled, &["x"], &[], &[]),
        (Kind::Text, &["", "anything"], &[], &[]),
    ];
    for (kind, fine, refused, suspicious) in table {
        let told = |value: &&str| wrong(kind, value).map(|wrong| wrong.severity);
        for (values, wanted) in [
            (fine, None),
            (refused, Some(Severity::Error)),
            (suspicious, Some(Severity::Warning)),
        ] {
            for value in values {
                assert_eq!(told(value), wanted, "{kind:?} {value}");
            }
        }
    }
}
