//! What the Spotinst stand-in keeps and how it changes; the checks are in `rules`.

mod rules;

use serde_json::{Value, json};

use super::{Call, Fleet, TOKEN};

/// A request that is not granted.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub status: u16,
    /// Code and message of each error.
    pub errors: Vec<(String, String)>,
}

impl Refusal {
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            errors: vec![(code.to_owned(), message.to_owned())],
        }
    }
}

/// A group.
pub struct Group {
    pub id: String,
    pub document: Value,
    /// Its instances; a request without instance is `None`.
    pub instances: Vec<Option<String>>,
    /// Ids and times of creation of its rolls, oldest first.
    rolls: Vec<(String, String)>,
}

/// All that the service knows.
#[derive(Default)]
pub struct Model {
    pub account: Option<String>,
    pub fleet: Option<Box<dyn Fleet>>,
    pub groups: Vec<Group>,
    pub roll_statuses: Vec<&'static str>,
    /// Things named so far.
    count: usize,
}

type Items = Result<Vec<Value>, Refusal>;

impl Model {
    /// Whether the request is one of ours at all.
    pub fn admit(&self, call: &Call) -> Result<(), Refusal> {
        let header = |name: &str| call.headers.get(name).map(String::as_str);
        if header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Err(Refusal::new(401, "InvalidToken", "unknown token"));
        }
        if header("content-type") != Some("application/json") {
            return Err(Refusal::new(415, "ContentType", "only application/json"));
        }
        let account = call.query.strip_prefix("accountId=");
        match &self.account {
            Some(wanted) if account != Some(wanted) => Err(Refusal::new(
                403,
                "AccountMismatch",
                "the token has no access to this account",
            )),
            _ => Ok(()),
        }
    }

    /// The next number, as a time and as part of ids: later ones are greater.
    fn next(&mut self) -> (String, String) {
        self.count += 1;
        let (minute, second) = (self.count / 60, self.count % 60);
        let time = format!("2026-01-01T00:{minute:02}:{second:02}.000Z");
        (format!("{:08x}", 0x1a2b_0000 + self.count), time)
    }

    pub fn put_group(&mut self, mut document: Value) -> String {
        let (number, time) = self.next();
        let id = format!("sig-{number}");
        document["id"] = json!(id);
        document["createdAt"] = json!(time);
        document["updatedAt"] = json!(time);
        let zone = &document["compute"]["availabilityZones"][0]["name"];
        if let Some(zone) = zone.as_str() {
            let region = zone.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
            document["region"] = json!(region);
        }
        self.groups.push(Group {
            id: id.clone(),
            document,
            instances: Vec::new(),
            rolls: Vec::new(),
        });
        self.adjust(&id);
        id
    }

    pub fn group_mut(&mut self, id: &str) -> Result<&mut Group, Refusal> {
        let group = self.groups.iter_mut().find(|group| group.id == id);
        group.ok_or_else(|| {
            Refusal::new(
                400,
                "GROUP_DOESNT_EXIST",
                &format!("group {id} does not exist"),
            )
        })
    }

    /// Starts and ends instances until there are as many as the group wants.
    fn adjust(&mut self, id: &str) {
        let Some(mut fleet) = self.fleet.take() else {
            return;
        };
        if let Ok(group) = self.group_mut(id) {
            let target = group.document["capacity"]["target"].as_u64();
            let target = usize::try_from(target.unwrap_or_default()).expect("a size");
            let have = group.instances.len();
            if have < target {
                let document = group.document.clone();
                let new = elsewhere(|| fleet.launch(&document, target - have));
                group.instances.extend(new.into_iter().map(Some));
            } else {
                let gone: Vec<String> = group.instances.drain(target..).flatten().collect();
                elsewhere(|| fleet.terminate(&gone));
            }
        }
        self.fleet = Some(fleet);
    }

    pub fn create(&mut self, body: &Value) -> Items {
        rules::check_create(body)?;
        let id = self.put_group(body["group"].clone());
        Ok(vec![rendered(&self.group_mut(&id)?.document)])
    }

    pub fn list(&self) -> Vec<Value> {
        self.groups
            .iter()
            .map(|group| rendered(&group.document))
            .collect()
    }

    pub fn update(&mut self, id: &str, body: &Value) -> Items {
        let (_, time) = self.next();
        let group = self.group_mut(id)?;
        rules::check_update(body)?;
        let mut document = group.document.clone();
        merge(&mut document, &body["group"]);
        rules::check_result(&document)?;
        document["updatedAt"] = json!(time);
        group.document = document;
        self.adjust(id);
        Ok(vec![rendered(&self.group_mut(id)?.document)])
    }

    pub fn delete(&mut self, id: &str) -> Items {
        self.group_mut(id)?.document["capacity"]["target"] = json!(0);
        self.adjust(id);
        self.groups.retain(|group| group.id != id);
        Ok(Vec::new())
    }

    pub fn status(&mut self, id: &str) -> Items {
        let group = self.group_mut(id)?;
        let item = |(number, instance): (usize, &Option<String>)| {
            json!({
                "instanceId": instance,
                "spotRequestId": format!("sir-{number}"),
                "instanceType": "m5.large",
                "status": if instance.is_some() { "fulfilled" } else { "pending-evaluation" },
            })
        };
        Ok(group.instances.iter().enumerate().map(item).collect())
    }

    pub fn roll(&mut self, id: &str, body: &Value) -> Items {
        rules::check_roll(body)?;
        let (number, time) = self.next();
        self.group_mut(id)?
            .rolls
            .push((format!("sbgd-{number}"), time));
        Ok(Vec::new())
    }

    /// Newest first: nobody may rely on an order.
    pub fn rolls(&mut self, id: &str) -> Items {
        let status = self.roll_statuses.first().copied();
        let rolls = self.group_mut(id)?.rolls.iter().rev();
        Ok(rolls.map(|roll| roll_item(roll, status)).collect())
    }

    pub fn roll_status(&mut self, id: &str, roll: &str) -> Items {
        if self.roll_statuses.len() > 1 {
            self.roll_statuses.remove(0);
        }
        let status = self.roll_statuses.first().copied();
        let rolls = &self.group_mut(id)?.rolls;
        let found = rolls.iter().find(|(own, _)| own == roll);
        let found = found.ok_or_else(|| Refusal::new(400, "ROLL_DOESNT_EXIST", "no such roll"))?;
        Ok(vec![roll_item(found, status)])
    }
}

fn roll_item((id, time): &(String, String), status: Option<&str>) -> Value {
    json!({
        "id": id,
        "status": status.unwrap_or("finished"),
        "progress": {"unit": "percentage", "value": "50"},
        "createdAt": time,
        "updatedAt": time,
    })
}

/// Fleets use runtimes of their own, which is not possible on a thread that has one.
fn elsewhere<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(act).join().expect("the fleet"))
}

/// Absent members stay, null clears, lists are replaced.
fn merge(old: &mut Value, new: &Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                merge(old.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (old, new) => *old = new.clone(),
    }
}

/// A group as the real service states it: some numbers and booleans in quotes, members that nobody has sent.
fn rendered(document: &Value) -> Value {
    let mut group = document.clone();
    for key in ["maximum", "minimum"] {
        quote(&mut group["capacity"][key]);
    }
    let launch = &mut group["compute"]["launchSpecification"];
    if let Some(devices) = launch["blockDeviceMappings"].as_array_mut() {
        for device in devices {
            if device["ebs"].is_object() {
                quote(&mut device["ebs"]["deleteOnTermination"]);
                quote(&mut device["ebs"]["volumeSize"]);
            }
        }
    }
    launch["healthCheckType"] = Value::Null;
    if let Some(tasks) = group["scheduling"]["tasks"].as_array_mut() {
        for task in tasks {
            task["isEnabled"] = json!(true);
            if task["scaleMaxCapacity"].is_number() {
                quote(&mut task["scaleMaxCapacity"]);
            }
        }
    }
    group["scaling"] = json!({"up": null, "down": null});
    group["thirdPartiesIntegration"] = Value::Null;
    group
}

fn quote(value: &mut Value) {
    if !value.is_null() {
        *value = json!(value.to_string().trim_matches('"'));
    }
}
