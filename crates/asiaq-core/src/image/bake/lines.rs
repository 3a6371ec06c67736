//! A planned bake for people: one line per step. Pure.

use super::Bake;
use super::facts::NET;
use super::steps::Step;

impl Bake<'_> {
    /// What will be done: a line per step. Holds nothing that differs between two runs.
    pub fn lines(&self) -> Vec<String> {
        let line = |step: Step| format!("{}: {}", step.name(), self.says(step));
        self.plan().into_iter().map(line).collect()
    }

    fn says(&self, step: Step) -> String {
        let options = &self.options;
        let (destination, phase) = (&options.destination, options.phase);
        match step {
            Step::Source => format!("{} `{}`", self.source.id, self.source.name),
            Step::Network => {
                format!("{NET} of environment {}, {}", options.bakery, self.group)
            }
            Step::Key => format!("{}, and keys of credential buckets", options.key),
            Step::Launch => self.launch(),
            Step::Run => "up to 15 minutes".to_owned(),
            Step::Connect => format!(
                "at the {} address, as root or as the image's user with sudo",
                if self.request.use_local_ip {
                    "private"
                } else {
                    "public"
                }
            ),
            Step::Directory => format!("{destination}/asiaq"),
            Step::Configuration => format!("{} to {destination}", options.configuration),
            Step::Asiaq => format!("{} to {destination}/asiaq", options.asiaq),
            Step::Script => {
                let repo = self.repo.as_ref();
                let repo = repo.map(|ip| format!(" {ip} BAKE_ID")).unwrap_or_default();
                format!(
                    "{destination}/init/phase{phase}.sh {}{repo}",
                    options.hostclass
                )
            }
            Step::Stop => "by shutdown, else by EC2".to_owned(),
            Step::Attributes => "ENA and SR-IOV".to_owned(),
            Step::Create => format!(
                "`{} TIME` of stage {}{}",
                options.base_name,
                options.stage,
                if self.request.private {
                    ", private"
                } else {
                    ""
                }
            ),
            Step::Available => format!("up to {} s", options.wait.as_secs()),
            Step::Terminate => match self.request.keep_failed {
                true => "the machine; it stays if a step fails".to_owned(),
                false => "the machine, also if a step fails".to_owned(),
            },
        }
    }

    fn launch(&self) -> String {
        let options = &self.options;
        let mut text = format!("{}, {} volume", options.instance_type, options.volume_type);
        if let Some(size) = options.volume_size {
            text.push_str(&format!(" of {size} GB"));
        }
        if options.encrypted {
            text.push_str(", encrypted");
        }
        if let Some(profile) = &options.profile {
            text.push_str(&format!(", profile {profile}"));
        }
        if let Some(tokens) = &options.http_tokens {
            text.push_str(&format!(", metadata tokens {tokens}"));
        }
        text
    }
}
