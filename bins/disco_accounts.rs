//! `disco_accounts`: accounts of operators in a credential bucket, and their installation on hosts.

use asiaq_cli::{
    BucketOption, Common, DryRun, Edit, ExposeSecret, Failure, Format, Outcome, SecretSlice,
    SecretString, Session, Tool, ask_new_password, run,
};
use asiaq_core::aws::Aws;
use asiaq_core::bucket::Bucket;
use asiaq_core::credentials::account::{
    Accounts, Install, Kind, Record, Stored, Write, check_name, hash_password, yes_or_no,
};
use asiaq_core::plan::Plan;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Manage accounts of operators in a credential bucket, and install them on hosts
#[derive(Debug, Parser)]
#[command(name = "disco_accounts", version, infer_long_args = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    bucket: BucketOption,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
#[command(rename_all = "lower")]
enum Command {
    /// Ask for a password twice and print its hash; needs no configuration
    HashPassword,
    /// Add a user, edited in $EDITOR, and the group of its name
    AddUser {
        /// Its name [default: $USER]
        #[arg(long, value_parser = name)]
        name: Option<String>,
        /// Its password; others can see it in the list of processes, so rather let it be asked for
        #[arg(long, value_parser = |text: &str| Ok::<_, String>(SecretString::from(text)))]
        password: Option<SecretString>,
        /// Overwrite the user if it exists
        #[arg(long)]
        force: bool,
    },
    /// Add a group
    AddGroup {
        /// Its name
        #[arg(long, value_parser = name)]
        name: String,
        /// Overwrite the group if it exists
        #[arg(long)]
        force: bool,
    },
    /// Change a user in $EDITOR, or switch it on or off
    EditUser {
        /// Its name
        #[arg(long)]
        name: String,
        /// Whether it may log in: yes or no; no editor is opened
        #[arg(long, value_name = "YES|NO", value_parser = word)]
        active: Option<String>,
    },
    /// Change a group in $EDITOR
    EditGroup {
        /// Its name
        #[arg(long)]
        name: String,
    },
    /// List the users, one name per line (JSON keys: name id active; null where a record cannot be used)
    ListUsers,
    /// List the groups, one name per line (JSON keys: name id; null where a record cannot be used)
    ListGroups,
    /// Install all groups and users on this host, as root
    Install {
        /// Install into this tree instead; it has etc/passwd, etc/group and etc/shadow
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
    },
}

impl Tool for Cli {
    fn common(&self) -> &Common {
        &self.common
    }

    fn formats(&self) -> &[Format] {
        match self.command {
            Command::HashPassword => &[Format::Text],
            _ => Format::USUAL,
        }
    }

    fn conflict(&self) -> Option<String> {
        let given = self.bucket.bucket.is_some() || self.bucket.env.is_some();
        match self.command {
            Command::HashPassword if given => {
                Some("hashpassword takes neither --bucket nor --env".to_owned())
            }
            _ => self.bucket.conflict(),
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    check_name(text).map(|()| text.to_owned())
}

fn word(text: &str) -> Result<String, String> {
    let known = yes_or_no(text).ok_or("expected yes or no");
    Ok(known.map(|_| text.to_owned())?)
}

fn main() -> ExitCode {
    run(async |cli: Cli, session: &Session| {
        let dry_run = cli.dry_run.dry_run;
        let work = async || Work::begin(session, &cli.bucket, dry_run).await;
        match cli.command {
            Command::HashPassword => hash(session).await,
            Command::AddUser {
                name,
                password,
                force,
            } => {
                let name = name.map_or_else(user, Ok)?;
                work().await?.add_user(&name, password, force).await
            }
            Command::AddGroup { name, force } => work().await?.add_group(&name, force).await,
            Command::EditUser { name, active } => {
                work().await?.edit(Kind::User, &name, active).await
            }
            Command::EditGroup { name } => work().await?.edit(Kind::Group, &name, None).await,
            Command::ListUsers => work().await?.list(Kind::User).await,
            Command::ListGroups => work().await?.list(Kind::Group).await,
            Command::Install { root } => work().await?.install(root).await,
        }
    })
}

/// The user who calls, for `adduser` without `--name`.
fn user() -> Result<String, Failure> {
    let user = std::env::var("USER").unwrap_or_default();
    if user.is_empty() {
        return Err(Failure::new("there is no name: $USER is not set")
            .with_hint(Some("say which account with --name".to_owned())));
    }
    name(&user).map_err(Failure::new)
}

async fn hash(session: &Session) -> Result<Outcome, Failure> {
    let Some(password) = ask_new_password("Password: ").await? else {
        return Ok(differ(session));
    };
    let hash = hash_password(password).await?;
    session.printer.line(hash.expose_secret());
    Ok(Outcome::Success)
}

/// Two passwords that differ end a command in the way that scripts know.
fn differ(session: &Session) -> Outcome {
    session.printer.line("!Password does not match!");
    Outcome::Exit(2)
}

/// The end of an edit. It is of no more use once it is written, and must not undo what somebody else did.
fn finish(
    edit: Edit<'_>,
    accounts: &Accounts<'_>,
    written: Result<Outcome, Failure>,
) -> Result<Outcome, Failure> {
    match written {
        Err(failure) if accounts.was_overtaken() => Err(edit.overtaken(failure)),
        Err(failure) if accounts.has_written() => edit.finish(Ok(())).and(Err(failure)),
        written => edit.finish(written),
    }
}

/// What the commands on a bucket have in common.
struct Work<'a> {
    session: &'a Session,
    aws: Aws,
    bucket: String,
    /// Options that lead to the same bucket again.
    options: Vec<String>,
    dry_run: bool,
}

impl<'a> Work<'a> {
    async fn begin(
        session: &'a Session,
        of: &BucketOption,
        dry_run: bool,
    ) -> Result<Self, Failure> {
        let aws = session.aws().await?;
        Ok(Self {
            bucket: session.credential_bucket(&aws, of).await?,
            options: match (&of.bucket, &of.env) {
                (Some(bucket), _) => vec!["--bucket".to_owned(), bucket.clone()],
                (None, Some(env)) => vec!["--env".to_owned(), env.clone()],
                (None, None) => Vec::new(),
            },
            dry_run,
            aws,
            session,
        })
    }

    fn accounts(&self) -> Accounts<'_> {
        Accounts::new(Bucket::new(&self.aws, &self.bucket))
    }

    async fn add_user(
        &self,
        name: &str,
        password: Option<SecretString>,
        force: bool,
    ) -> Result<Outcome, Failure> {
        let accounts = self.accounts();
        let room = accounts.room().await?;
        room.check_user(name, force)?;
        if self.dry_run {
            let record = room.user(&SecretString::default());
            self.session
                .printer
                .plan(&room.plan_user(name, record, force)?);
            return Ok(Outcome::Success);
        }
        let given = password.filter(|password| !password.expose_secret().is_empty());
        let password = match given {
            Some(password) => password,
            None => match ask_new_password("Password: ").await? {
                Some(password) => password,
                None => return Ok(differ(self.session)),
            },
        };
        let record = room.user(&hash_password(password).await?);
        let mut words = vec!["adduser", "--name", name];
        words.extend(force.then_some("--force"));
        let (edit, record) = self
            .open(Kind::User, name, &words, record.content())
            .await?;
        let written = async {
            let plan = room.plan_user(name, record, force)?;
            self.carry_out(&accounts, &plan).await
        };
        finish(edit, &accounts, written.await)
    }

    /// Opens the editor on a record until it is one. The words are the command that does so again.
    async fn open(
        &self,
        kind: Kind,
        name: &str,
        words: &[&str],
        text: SecretSlice<u8>,
    ) -> Result<(Edit<'_>, Record), Failure> {
        let mut again = vec!["disco_accounts"];
        again.extend(self.options.iter().map(String::as_str));
        again.extend(words);
        let check = |text: &_| Ok(Record::edited(kind, name, text)?);
        Edit::make(self.session, &format!("{kind}-{name}"), &again, text, check).await
    }

    async fn add_group(&self, name: &str, force: bool) -> Result<Outcome, Failure> {
        let accounts = self.accounts();
        let plan = accounts.room_for_group().await?.plan_group(name, force)?;
        self.carry_out(&accounts, &plan).await
    }

    async fn carry_out(
        &self,
        accounts: &Accounts<'_>,
        plan: &Plan<Write>,
    ) -> Result<Outcome, Failure> {
        if self.dry_run {
            self.session.printer.plan(plan);
        } else if plan.is_empty() {
            self.session
                .inform("nothing is different: nothing was written");
        } else {
            accounts.apply(plan, self.session.progress()).await?;
        }
        Ok(Outcome::Success)
    }

    async fn edit(
        &self,
        kind: Kind,
        name: &str,
        active: Option<String>,
    ) -> Result<Outcome, Failure> {
        let accounts = self.accounts();
        let stored = accounts.get(kind, name).await?;
        if let Some(word) = active {
            let old = Record::checked(kind, name, &stored.content)?;
            let mut new = old.clone();
            new.set_active(&word);
            let plan = accounts.plan_edit(name, Some(&old), new, &stored);
            return self.carry_out(&accounts, &plan).await;
        }
        // A broken record can be repaired: it goes to the editor as it is.
        let old = Record::checked(kind, name, &stored.content).ok();
        let text = old
            .as_ref()
            .map_or_else(|| stored.content.clone(), Record::content);
        let command = format!("edit{kind}");
        let words = [command.as_str(), "--name", name];
        let (edit, new) = self.open(kind, name, &words, text).await?;
        let written = self
            .write_edit(&accounts, name, old.as_ref(), new, &stored)
            .await;
        if self.dry_run && matches!(written, Ok(true)) {
            if let Some(kept) = edit.set_aside() {
                self.session.inform(&kept);
            }
            return Ok(Outcome::Success);
        }
        finish(edit, &accounts, written.map(|_| Outcome::Success))
    }

    /// Writes an edited record; whether it differs from the old one.
    async fn write_edit(
        &self,
        accounts: &Accounts<'_>,
        name: &str,
        old: Option<&Record>,
        new: Record,
        stored: &Stored,
    ) -> Result<bool, Failure> {
        accounts.check_new_id(name, old, &new).await?;
        let plan = accounts.plan_edit(name, old, new.clone(), stored);
        self.carry_out(accounts, &plan).await?;
        if !self.dry_run {
            accounts.check_written_id(name, old, &new).await?;
        }
        Ok(!plan.is_empty())
    }

    async fn list(&self, kind: Kind) -> Result<Outcome, Failure> {
        let (accounts, printer) = (self.accounts(), self.session.printer);
        if !printer.is_json() {
            let names = accounts.names(kind).await?;
            printer.listing(&names, String::clone);
            return Ok(Outcome::Success);
        }
        printer.json(&accounts.rows(kind).await?);
        Ok(Outcome::Success)
    }

    async fn install(&self, root: Option<PathBuf>) -> Result<Outcome, Failure> {
        let accounts = self.accounts();
        let install = Install::plan(&accounts, root.as_deref()).await?;
        if self.dry_run {
            self.session.printer.plan(&install.plan);
        } else if install.plan.is_empty() && install.failures.is_empty() {
            self.session
                .inform("all accounts are installed: nothing was changed");
        }
        let finished = match self.dry_run {
            true => install.check(),
            false => install.apply(self.session.progress()).await,
        };
        finished?;
        Ok(Outcome::Success)
    }
}
