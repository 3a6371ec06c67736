//! Reading what the kernel, programs and user data say. Pure: text in, values out.

use std::collections::BTreeMap;

/// Queues whose lengths are metrics.
const QUEUES: [&str; 2] = ["inference_workflow", "ingestion_workflow"];
/// Fields of `/proc/meminfo` that are metrics.
const MEMORY: [&str; 4] = ["MemTotal", "MemFree", "Buffers", "Cached"];
/// Columns of `iostat -c`, and the metrics among them in their order.
const CPU_COLUMNS: [&str; 6] = ["user", "nice", "system", "iowait", "steal", "idle"];
const CPU: [&str; 5] = ["iowait", "steal", "user", "system", "idle"];
/// How the names of devices begin whose file systems are metrics.
const DEVICES: [&str; 4] = ["/dev/sd", "/dev/xvd", "/dev/mapper", "/dev/nvme"];

/// Named values, in the order in which they are sent.
pub(super) type Values = Vec<(String, f64)>;

/// `WORD="VALUE"` lines of user data. A shell sources them, so the last of a name wins.
pub(super) fn user_data(text: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| {
        let (word, rest) = line.trim_start().split_once("=\"")?;
        let (value, _) = rest.split_once('"')?;
        let is_word =
            !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_word.then(|| (word.to_owned(), value.to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

/// The region of a zone: up to the number behind the first dash that has one. `us-west-2a` is of `us-west-2`,
/// and so are the local zone `us-west-2-lax-1a` and the wavelength zone `us-west-2-wl1-sea-wlz-1`.
pub(super) fn region_of_zone(zone: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in zone.trim().split('-') {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            parts.push(part.get(..digits)?);
            return (parts.len() >= 3).then(|| parts.join("-"));
        }
        parts.push(part);
    }
    None
}

/// Memory in megabytes, and in percent what is free or can be freed at once, if all four values are known.
pub(super) fn meminfo(text: &str) -> (Values, Option<f64>) {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| {
            let (own, rest) = line.split_once(':')?;
            (own.trim() == name).then_some(rest)
        })?;
        let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        // Exact up to 2^53 kB.
        Some(kilobytes as f64 / 1024.0)
    };
    let found: Values = MEMORY
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), field(name)?)))
        .collect();
    let free = match &found[..] {
        [(_, total), free @ ..] if free.len() == 3 && *total > 0.0 => {
            let free: f64 = free.iter().map(|(_, megabytes)| megabytes).sum();
            Some(100.0 * free / total)
        }
        _ => None,
    };
    (found, free)
}

/// Shares of processor time: the first line of six decimal numbers. Empty if there is none.
pub(super) fn iostat(text: &str) -> Values {
    let numbers = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let decimal = |field: &&str| {
            field.contains('.').then_some(())?;
            field.parse::<f64>().ok().filter(|value| value.is_finite())
        };
        let values: Vec<f64> = fields.iter().filter_map(decimal).collect();
        (fields.len() == CPU_COLUMNS.len() && values.len() == fields.len()).then_some(values)
    };
    let Some(values) = text.lines().find_map(numbers) else {
        return Vec::new();
    };
    let columns: BTreeMap<&str, f64> = CPU_COLUMNS.into_iter().zip(values).collect();
    CPU.iter()
        .filter_map(|name| Some(((*name).to_owned(), *columns.get(name)?)))
        .collect()
}

/// How full the file systems on our devices are, each device once. A line that is broken behind an overlong
/// name is put together again; a file system without a share (`-`) is left out.
pub(super) fn df(text: &str) -> Values {
    let mut found: Values = Vec::new();
    let mut broken = String::new();
    for line in text.lines() {
        let joined = format!("{broken} {line}");
        let fields: Vec<&str> = joined.split_whitespace().collect();
        if let [only] = &fields[..] {
            broken = (*only).to_owned();
            continue;
        }
        broken.clear();
        let [device, _, _, _, share, ..] = &fields[..] else {
            continue;
        };
        let ours = DEVICES.iter().any(|start| device.starts_with(start));
        let share: Option<u32> = share.strip_suffix('%').and_then(|n| n.parse().ok());
        if let Some(share) = share.filter(|_| ours && !found.iter().any(|(own, _)| own == device)) {
            found.push(((*device).to_owned(), f64::from(share)));
        }
    }
    found
}

/// Lengths of the queues that are metrics, those which exist.
pub(super) fn rabbitmq(text: &str) -> Values {
    let length = |name: &str| {
        text.lines().find_map(|line| {
            let mut fields = line.split_whitespace();
            let (queue, length, end) = (fields.next()?, fields.next()?, fields.next());
            (queue == name && end.is_none()).then(|| length.parse::<u32>().ok())?
        })
    };
    QUEUES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), f64::from(length(name)?))))
        .collect()
}

#[cfg(test)]
mod tests;
