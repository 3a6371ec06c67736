//! `disco_bake bake` of one image, and `cleanup`.

use asiaq_cli::{Failure, Outcome, Session};
use asiaq_core::image::bake::leftovers::{self, Wanted};
use asiaq_core::image::bake::{Bakery, Request, Voice, version};
use clap::Args;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Options of `bake`.
#[derive(Debug, Args)]
pub struct BakeArgs {
    /// Hostclass to bake; again for more [default: the base image of [bake] phase1_ami_name]
    #[arg(long, value_name = "HC")]
    pub hostclass: Vec<String>,
    /// Bake those hostclasses of a pipeline that lack an image newer than what it is made from
    #[arg(long, value_name = "FILE", conflicts_with = "hostclass")]
    pub pipeline: Option<PathBuf>,
    /// How many bakes at once, with --pipeline or several hostclasses
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallel: u16,
    /// Keep the machine of a bake that failed
    #[arg(long, alias = "no_destroy")]
    pub no_destroy: bool,
    /// Stage of the new image [default: the first of ami_stages]
    #[arg(long)]
    pub stage: Option<String>,
    /// Image to start from
    #[arg(long, value_name = "AMI")]
    pub source_ami: Option<String>,
    /// Reach the machine at its private address
    #[arg(long)]
    pub use_local_ip: bool,
    /// Tag of the new image; again for more
    #[arg(long, value_name = "KEY:VALUE")]
    pub tag: Vec<String>,
    /// Nothing is to choose the image by itself
    #[arg(long)]
    pub private: bool,
}

/// Options of `cleanup`.
#[derive(Debug, Args)]
pub struct CleanupArgs {
    /// Only what belongs to bakes that began so many minutes ago or earlier; 0 takes all, also of bakes under way
    #[arg(long, value_name = "MINUTES", default_value_t = 120, value_parser = clap::value_parser!(u32).range(..=5_256_000))]
    pub older_than: u32,
    /// Only of bakes of this hostclass or base image
    #[arg(long, value_name = "HC")]
    pub hostclass: Option<String>,
    /// Only this machine, however young; again for more
    #[arg(long, value_name = "ID", conflicts_with_all = ["older_than", "hostclass"])]
    pub instance: Vec<String>,
}

/// Bakes.
///
/// # Errors
/// Those of the bake.
pub async fn bake(session: &Session, args: &BakeArgs, dry_run: bool) -> Result<Outcome, Failure> {
    let tags = tags(&args.tag)?;
    let config = session.disco_aws()?;
    let directory = session.config_dir();
    let (baker, version) = (session.user(), version().await);
    let ssh = session.ssh_settings(false)?;
    let bakery = Bakery::new(&config, &directory, &baker, &version, &ssh);
    let request = Request {
        hostclass: args.hostclass.first().map(String::as_str),
        source_ami: args.source_ami.as_deref(),
        stage: args.stage.as_deref(),
        tags: &tags,
        private: args.private,
        use_local_ip: args.use_local_ip,
        keep_failed: args.no_destroy,
    };
    let aws = session.aws().await?;
    if args.pipeline.is_some() || args.hostclass.len() > 1 {
        return crate::fleet::bake(session, args, &bakery, &aws, request, dry_run).await;
    }
    let bake = bakery.prepare(&aws, request).await?;
    if dry_run {
        let lines = bake.lines();
        session.printer.listing(&lines, String::clone);
        return Ok(Outcome::Success);
    }
    let voice = Told {
        session,
        steps: bake.steps(),
        begun: Mutex::default(),
    };
    let baked = bakery
        .run(&aws, &bake, session.interrupt(), &voice)
        .await
        .inspect_err(|_| voice.flush());
    let baked = baked?;
    session.printer.line(format!(
        "Created {} AMI {}",
        baked.image_name, baked.image_id
    ));
    Ok(Outcome::Success)
}

/// Removes what bakes have left behind.
///
/// # Errors
/// AWS refuses.
pub async fn cleanup(
    session: &Session,
    args: &CleanupArgs,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    let config = session.disco_aws()?;
    let aws = session.aws().await?;
    let wanted = Wanted {
        older_than: args.older_than,
        hostclass: args.hostclass.as_deref(),
        instances: &args.instance,
    };
    let plan = leftovers::plan_removal(&aws, &config, wanted).await?;
    if dry_run {
        session.printer.plan(&plan);
    } else {
        leftovers::apply_cleanup(&aws, &plan, session.progress()).await?;
    }
    Ok(Outcome::Success)
}

/// So many characters AWS allows in the key and in the value of a tag.
const TAG_LENGTHS: (usize, usize) = (128, 256);
/// So many tags may be given: AWS allows 50, and bakes set some themselves.
const TAGS: usize = 40;

/// `--tag KEY:VALUE`: a repeated key has its last value.
///
/// # Errors
/// A tag without a colon, without a key, or one that AWS would refuse; too many.
pub fn tags(texts: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for text in texts {
        let (key, value) = text
            .split_once(':')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| {
                Failure::new(format!("`--tag {text}` is not of the form KEY:VALUE")).with_code(2)
            })?;
        check_tag(key, value)?;
        match tags.iter_mut().find(|(known, _)| known == key) {
            Some(known) => known.1 = value.to_owned(),
            None => tags.push((key.to_owned(), value.to_owned())),
        }
    }
    if tags.len() > TAGS {
        let text = format!("{} different tags are too many: {TAGS} at most", tags.len());
        return Err(Failure::new(text).with_code(2));
    }
    Ok(tags)
}

fn check_tag(key: &str, value: &str) -> Result<(), Failure> {
    let (of_key, of_value) = TAG_LENGTHS;
    let text = if key.chars().count() > of_key {
        format!("tag `{key}`: a key has {of_key} characters at most")
    } else if value.chars().count() > of_value {
        format!("tag `{key}`: a value has {of_value} characters at most")
    } else {
        return Ok(());
    };
    Err(Failure::new(text).with_code(2))
}

/// Tells people on stderr how the bake goes.
struct Told<'a> {
    session: &'a Session,
    steps: Vec<&'static str>,
    /// A line of the script that is not complete yet, and what it begins with.
    begun: Mutex<(String, Vec<u8>)>,
}

impl Told<'_> {
    fn flush(&self) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if !begun.1.is_empty() {
            let text = String::from_utf8_lossy(&begun.1).into_owned();
            self.session.progress().say(&format!("{} {text}", begun.0));
            begun.1.clear();
        }
    }
}

impl Voice for Told<'_> {
    fn step(&self, _bake: &str, step: &str, elapsed: Duration) {
        self.flush();
        let number = self.steps.iter().position(|name| *name == step);
        let (number, total) = (number.map_or(0, |n| n + 1), self.steps.len());
        let seconds = elapsed.as_secs_f64();
        let line = format!("[{number}/{total}] {seconds:.1} s: {step}");
        self.session.progress().say(&line);
    }

    fn output(&self, _bake: &str, step: &str, elapsed: Duration, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let complete = part.ends_with(b"\n");
            let prefix = format!("{step} {:.1} s|", elapsed.as_secs_f64());
            if let Ok(mut begun) = self.begun.lock() {
                begun.0 = prefix;
                let text = part.strip_suffix(b"\n").unwrap_or(part);
                begun.1.extend_from_slice(text);
                if complete && begun.1.is_empty() {
                    begun.1.push(b' ');
                }
            }
            if complete {
                self.flush();
            }
        }
    }
}
