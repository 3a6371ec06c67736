#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::aws::Tags;
use proptest::prelude::*;

fn vpc(id: &str, blocks: &str) -> Vpc {
    let cidr_blocks: Vec<String> = blocks.split_whitespace().map(str::to_owned).collect();
    Vpc {
        id: id.to_owned(),
        name: "x".to_owned(),
        env_type: "t".to_owned(),
        cidr_block: cidr_blocks[0].clone(),
        cidr_blocks,
        is_default: false,
        tags: Tags::new(),
        dhcp_options_id: None,
    }
}

#[test]
fn one_of_two_that_see_each_other_stays() {
    let cidr: Ipv4Net = "10.0.0.0/24".parse().unwrap();
    let table = [
        ("alone", vec![], Claim::Keep, ""),
        ("beside", vec![vpc("vpc-1", "10.0.1.0/24")], Claim::Keep, ""),
        (
            "older id",
            vec![vpc("vpc-1", "10.0.0.0/24")],
            Claim::Yield,
            "x vpc-1 10.0.0.0/24",
        ),
        (
            "newer id",
            vec![vpc("vpc-9", "10.0.0.0/24")],
            Claim::Wait,
            "x vpc-9 10.0.0.0/24",
        ),
        (
            "around",
            vec![vpc("vpc-1", "10.0.0.0/16")],
            Claim::Yield,
            "x vpc-1 10.0.0.0/16",
        ),
        (
            "inside",
            vec![vpc("vpc-9", "10.0.0.128/28")],
            Claim::Wait,
            "x vpc-9 10.0.0.128/28",
        ),
        (
            "second block",
            vec![vpc("vpc-1", "10.9.0.0/24 10.0.0.0/28")],
            Claim::Yield,
            "x vpc-1 10.9.0.0/24 10.0.0.0/28",
        ),
        (
            "both kinds",
            vec![vpc("vpc-9", "10.0.0.0/24"), vpc("vpc-1", "10.0.0.0/24")],
            Claim::Yield,
            "x vpc-1 10.0.0.0/24",
        ),
    ];
    for (what, mut all, wanted, rival) in table {
        all.push(vpc("vpc-5", "10.0.0.0/24"));
        assert_eq!(
            claim("vpc-5", cidr, &all),
            (wanted, rival.to_owned()),
            "{what}"
        );
    }
}

#[test]
fn overlaps_are_warned_about() {
    let own = vpc("vpc-1", "10.0.0.0/24 10.5.0.0/16");
    let all = [
        own.clone(),
        vpc("vpc-2", "10.0.1.0/24"),
        vpc("vpc-3", "172.31.0.0/16 10.5.1.0/24"),
    ];
    let wanted = "VPC x vpc-1 10.0.0.0/24 10.5.0.0/16 overlaps VPC x vpc-3 172.31.0.0/16 10.5.1.0/24: \
                  the two cannot be connected";
    assert_eq!(overlap_warnings(&own, &all), [wanted]);
}

/// A run of `create`: what it does next.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Choose,
    Make(u8),
    Look { id: usize, waits: u8 },
    Done(u8),
}

const BLOCKS: [&str; 4] = ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"];

/// Makes one step of one run. `vpcs` are id → block; `dice` are what is random.
fn step(run: &mut Step, vpcs: &mut Vec<(usize, u8)>, blocks: u8, dice: u64) {
    *run = match run.clone() {
        Step::Choose => {
            let free: Vec<u8> = (0..blocks)
                .filter(|b| !vpcs.iter().any(|(_, taken)| taken == b))
                .collect();
            assert!(!free.is_empty(), "every run has one block at most");
            Step::Make(free[dice as usize % free.len()])
        }
        Step::Make(block) => {
            let mut id = dice as usize % 1000;
            while vpcs.iter().any(|(other, _)| *other == id) {
                id += 1;
            }
            vpcs.push((id, block));
            Step::Look { id, waits: 0 }
        }
        Step::Look { id, waits } => {
            let all: Vec<Vpc> = vpcs
                .iter()
                .map(|(id, b)| vpc(&format!("vpc-{id:04}"), BLOCKS[*b as usize]))
                .collect();
            let block = vpcs.iter().find(|(own, _)| *own == id).unwrap().1;
            let cidr: Ipv4Net = BLOCKS[block as usize].parse().unwrap();
            match claim(&format!("vpc-{id:04}"), cidr, &all).0 {
                Claim::Keep => Step::Done(block),
                Claim::Wait if waits < 3 => Step::Look {
                    id,
                    waits: waits + 1,
                },
                Claim::Wait | Claim::Yield => {
                    vpcs.retain(|(own, _)| *own != id);
                    Step::Choose
                }
            }
        }
        done => done,
    };
}

proptest! {
    /// Whatever the order of the steps of several runs: no two keep one block, and all come to an end.
    #[test]
    fn runs_at_the_same_time_get_different_ranges(count in 2..5usize, room in 0..2u8, schedule in proptest::collection::vec((0..4usize, any::<u64>()), 400)) {
        let blocks = (count as u8 + room).min(4);
        let (mut runs, mut vpcs) = (vec![Step::Choose; count], Vec::new());
        for (who, dice) in &schedule {
            step(&mut runs[who % count], &mut vpcs, blocks, *dice);
        }
        let mut kept: Vec<u8> = runs.iter().filter_map(|r| if let Step::Done(b) = r { Some(*b) } else { None }).collect();
        prop_assert_eq!(kept.len(), count, "{:?}", runs);
        kept.sort_unstable();
        kept.dedup();
        prop_assert_eq!(kept.len(), count, "{:?}", runs);
    }
}
