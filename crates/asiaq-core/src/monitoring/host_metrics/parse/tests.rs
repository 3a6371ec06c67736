#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use proptest::prelude::*;

fn named(values: &[(&str, f64)]) -> Values {
    values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect()
}

#[test]
fn user_data_lines() {
    let text = "#!/bin/bash\nhostclass=\"mhcold\"\nhostclass=\"mhcweb\"\n  owner=\"ann\"\nempty=\"\"\n\
                environment_name=\"ci\" # not \"prod\"\nplain=word\nno quote=\"x\"\nopen=\"end\nzookeepers=[\"a\"]\r\nproxy=\"h:1\"\r\n\
                a.b=\"dots\"\n=\"nothing\"\nexport exported=\"no\"";
    let found = user_data(text);
    let pairs: Vec<(&str, &str)> = found
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("empty", ""),
            ("environment_name", "ci"),
            ("hostclass", "mhcweb"),
            ("owner", "ann"),
            ("proxy", "h:1"),
        ]
    );
    assert!(user_data("").is_empty());
}

#[test]
fn regions_of_zones() {
    let table = [
        ("us-west-2a", Some("us-west-2")),
        ("us-west-2a\n", Some("us-west-2")),
        ("ap-northeast-1c", Some("ap-northeast-1")),
        ("us-gov-west-1b", Some("us-gov-west-1")),
        ("cn-north-1a", Some("cn-north-1")),
        ("us-west-2-lax-1a", Some("us-west-2")),
        ("us-east-1-bos-1a", Some("us-east-1")),
        ("us-west-2-wl1-sea-wlz-1", Some("us-west-2")),
        ("xx-yy-12a", Some("xx-yy-12")),
        ("", None),
        ("nonsense", None),
        ("1a", None),
        ("us-2a", None),
        ("us-west-", None),
        ("us-west-é", None),
    ];
    for (zone, region) in table {
        assert_eq!(region_of_zone(zone).as_deref(), region, "{zone}");
    }
}

#[test]
fn memory() {
    let text = "MemTotal:        2048000 kB\nMemFree:          512000 kB\nMemAvailable:    1000000 kB\nBuffers:          256000 kB\n\
                Cached:           256000 kB\nSwapCached:            7 kB\n";
    let (values, free) = meminfo(text);
    let wanted = [
        ("MemTotal", 2000.0),
        ("MemFree", 500.0),
        ("Buffers", 250.0),
        ("Cached", 250.0),
    ];
    assert_eq!((values, free), (named(&wanted), Some(50.0)));

    let (values, free) = meminfo("MemTotal: 1000 kB\nCached: x kB\nBuffers: 512 kB\n");
    assert_eq!(
        (values, free),
        (
            named(&[("MemTotal", 1000.0 / 1024.0), ("Buffers", 0.5)]),
            None
        )
    );
    let (values, free) = meminfo("MemTotal: 0 kB\nMemFree: 0 kB\nBuffers: 0 kB\nCached: 0 kB\n");
    assert_eq!((values.len(), free), (4, None));
    assert_eq!(meminfo(""), (Vec::new(), None));
}

#[test]
fn processor() {
    let text = "Linux 6.1.0 (ip-10-0-0-1)  11/22/26  _x86_64_  (2 CPU)\n\n\
                avg-cpu:  %user   %nice %system %iowait  %steal   %idle\n           1.50    0.25    2.00    3.75    0.10   92.40\n\
                \navg-cpu:  %user   %nice %system %iowait  %steal   %idle\n           9.00    9.00    9.00    9.00    9.00   9.00\n";
    let wanted = [
        ("iowait", 3.75),
        ("steal", 0.10),
        ("user", 1.50),
        ("system", 2.00),
        ("idle", 92.40),
    ];
    assert_eq!(iostat(text), named(&wanted));
    let none = [
        "",
        "1.0 2.0 3.0 4.0 5.0",
        "1.0 2.0 3.0 4.0 5.0 6.0 7.0",
        "1,0 2,0 3,0 4,0 5,0 6,0",
        "1 2 3 4 5 6",
        "1.0 2.0 3.0 nan. 5.0 6.0",
        "a.b 2.0 3.0 4.0 5.0 6.0",
    ];
    for text in none {
        assert_eq!(iostat(text), named(&[]), "{text}");
    }
}

#[test]
fn file_systems() {
    let text = "Filesystem     1024-blocks     Used Available Capacity Mounted on\n\
                devtmpfs            983896        0    983896       0% /dev\n\
                /dev/nvme0n1p1    20959212  4000000  16959212      20% /\n\
                /dev/xvdb         20959212  4000000  16959212       3% /mnt/with blank\n\
                /dev/sda1         20959212  4000000  16959212     100% /boot\n\
                /dev/sda1         20959212  4000000  16959212     100% /bound\n\
                /dev/mapper/a_rather_long_name_of_a_volume_group-and_its_volume\n\
                \x20                 20959212  4000000  16959212      77% /data\n\
                /dev/mapper/none         0        0         0       - /none\n\
                /dev/vda1         20959212  4000000  16959212      50% /other\n\
                nfs:/dev/sdz      20959212  4000000  16959212      50% /nfs\n\
                /dev/sdc          -        -         -           -  /odd\n\
                /dev/sdd          1 2\n\
                tmpfs                    -        -         -       - /sys\n";
    let wanted = [
        ("/dev/nvme0n1p1", 20.0),
        ("/dev/xvdb", 3.0),
        ("/dev/sda1", 100.0),
        (
            "/dev/mapper/a_rather_long_name_of_a_volume_group-and_its_volume",
            77.0,
        ),
    ];
    assert_eq!(df(text), named(&wanted));
    assert_eq!(df(""), named(&[]));
    assert_eq!(df("df: /mnt/nfs: Stale file handle"), named(&[]));
}

#[test]
fn queues() {
    let text = "Timeout: 60.0 seconds ...\nListing queues for vhost / ...\nname\tmessages\ningestion_workflow\t12\n\
                inference_workflow 0\nother\t99\ninference_workflow_dead\t5\n...done.\n";
    let wanted = [("inference_workflow", 0.0), ("ingestion_workflow", 12.0)];
    assert_eq!(rabbitmq(text), named(&wanted));
    assert_eq!(
        rabbitmq("ingestion_workflow 7\n"),
        named(&[("ingestion_workflow", 7.0)])
    );
    let none = [
        "",
        "ingestion_workflow",
        "ingestion_workflow x",
        "ingestion_workflow 1 2",
        "ingestion_workflow -1",
    ];
    for text in none {
        assert_eq!(rabbitmq(text), named(&[]), "{text}");
    }
}

proptest! {
    /// Whatever a program prints, reading it does not fail, and no share is beyond measure.
    #[test]
    fn any_text_is_read(text in "(?s).{0,400}") {
        user_data(&text);
        region_of_zone(&text);
        rabbitmq(&text);
        let (memory, _) = meminfo(&text);
        let all = iostat(&text).into_iter().chain(df(&text)).chain(memory);
        prop_assert!(all.into_iter().all(|(_, value)| value.is_finite()));
    }

    #[test]
    fn free_memory_is_a_share(total in 1_u64..1 << 40, parts in (0_u64..1000, 0_u64..1000, 0_u64..1000)) {
        let part = |thousandths: u64| total / 3000 * thousandths;
        let text = format!("MemTotal: {total} kB\nMemFree: {} kB\nBuffers: {} kB\nCached: {} kB\n",
            part(parts.0), part(parts.1), part(parts.2));
        let (_, free) = meminfo(&text);
        prop_assert!(free.is_some_and(|free| (0.0..=100.0).contains(&free)));
    }
}
