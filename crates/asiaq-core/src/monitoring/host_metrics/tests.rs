#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

#[test]
fn rows_carry_everything() {
    let groups = [
        MetricGroup {
            namespace: "EC2/Memory",
            unit: Unit::Megabytes,
            metrics: vec![("MemTotal".into(), 2000.0), ("MemFree".into(), 500.125)],
        },
        MetricGroup {
            namespace: "EC2/Disk",
            unit: Unit::Percent,
            metrics: vec![("/dev/nvme0n1p1".into(), 42.0)],
        },
    ];
    let rows = rows(&groups, &Identity::dummy());
    let lines: Vec<String> = rows.iter().map(MetricRow::line).collect();
    assert_eq!(
        lines,
        [
            "EC2/Memory MemTotal                  2000.00 Megabytes desktop_mhccloudwatchtest",
            "EC2/Memory MemFree                    500.12 Megabytes desktop_mhccloudwatchtest",
            "EC2/Disk   /dev/nvme0n1p1              42.00 Percent   desktop_mhccloudwatchtest",
        ]
    );
    let json = serde_json::to_value(&rows[2]).unwrap();
    let wanted = serde_json::json!({"namespace": "EC2/Disk", "name": "/dev/nvme0n1p1", "value": 42.0, "unit": "Percent",
        "env_hostclass": "desktop_mhccloudwatchtest"});
    assert_eq!(json, wanted);
}

#[test]
fn the_pause_is_below_the_jitter() {
    for jitter in [i64::MIN, -1, 0, 1] {
        assert_eq!(pause(jitter), Duration::ZERO, "{jitter}");
    }
    let seen: std::collections::BTreeSet<u64> = (0..500).map(|_| pause(3).as_secs()).collect();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
}
