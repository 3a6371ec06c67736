//! `disco_bake`: the listings of images, stragglers and the repository host.

use super::{Call, given};
use asiaq_cli::{Column, Failure, Outcome};
use asiaq_core::image::manage::listing::{ImageRow, Query, complete, list};
use asiaq_core::image::manage::repository::{Repository, repository_host};
use asiaq_core::image::manage::stragglers::{self, Straggler};
use asiaq_core::image::{self, Image, Wanted};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

/// Options of `listamis`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this image
    #[arg(long)]
    ami: Option<String>,
    /// Only the image of this instance
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Only images of this stage; several are separated by commas
    #[arg(long)]
    stage: Option<String>,
    /// Only images of this product line
    #[arg(long, alias = "product-line")]
    productline: Option<String>,
    /// Only images in this state, such as available
    #[arg(long)]
    state: Option<String>,
    /// Only images of this hostclass
    #[arg(long, value_name = "HC")]
    hostclass: Option<String>,
    #[command(flatten)]
    columns: Columns,
}

/// Options of `listlatestami`.
#[derive(Debug, Args)]
pub struct LatestArgs {
    /// Stage; of several, separated by commas, the first one with an image counts
    #[arg(long, value_parser = stages)]
    stage: Stages,
    /// Hostclass
    #[arg(long, value_name = "HC", value_parser = NonEmptyStringValueParser::new())]
    hostclass: String,
    #[command(flatten)]
    columns: Columns,
}

/// Stages in order of priority.
#[derive(Debug, Clone)]
struct Stages(Vec<String>);

fn stages(text: &str) -> Result<Stages, String> {
    let stages = image::comma_separated(text);
    if stages.is_empty() {
        return Err("expected a stage".to_owned());
    }
    Ok(Stages(stages))
}

/// Columns of the text layout that are not always shown.
#[derive(Debug, Clone, Copy, Args)]
struct Columns {
    /// Show whether all of prod_account_ids may launch the image
    #[arg(long, alias = "in_prod")]
    in_prod: bool,
    /// Show the tags that have no column of their own
    #[arg(long, alias = "show_tags")]
    show_tags: bool,
}

/// A column of the text layout.
type Cell = fn(&ImageRow) -> String;
/// The columns that are always shown.
const COLUMNS: [(&str, Cell); 7] = [
    ("ID", |row| row.id.clone()),
    ("Created", |row| row.created.clone().unwrap_or_default()),
    ("Name", |row| row.short_name().to_owned()),
    ("State", |row| row.state.clone()),
    ("Stage", |row| row.stage.clone().unwrap_or_default()),
    ("Product Line", |row| {
        row.productline.clone().unwrap_or_default()
    }),
    ("Age", ImageRow::shown_age),
];
const PRODUCTION: (&str, Cell) = ("Production", |row| {
    row.production.unwrap_or_default().to_owned()
});
const TAGS: (&str, Cell) = ("Tags", ImageRow::shown_tags);

impl Call<'_> {
    pub(super) async fn list(&self, args: ListArgs) -> Result<Outcome, Failure> {
        let query = Query {
            ami: given(args.ami),
            instance: given(args.instance),
            wanted: Wanted {
                ids: None,
                stages: image::comma_separated(args.stage.as_deref().unwrap_or_default()),
                product_line: given(args.productline),
                state: given(args.state),
                hostclass: given(args.hostclass),
            },
        };
        let images = list(&self.aws, &self.trusted()?, &query).await?;
        self.show(&images, args.columns, true).await
    }

    pub(super) async fn latest(&self, args: &LatestArgs) -> Result<Outcome, Failure> {
        let stages = &args.stage.0;
        let found = image::find(&self.aws, &self.trusted()?, &args.hostclass, stages, true).await?;
        self.show(found.as_slice(), args.columns, false).await
    }

    /// Prints rows. The header of an empty table is printed only with `header`.
    async fn show(
        &self,
        images: &[Image],
        columns: Columns,
        header: bool,
    ) -> Result<Outcome, Failure> {
        let printer = &self.session.printer;
        let production = columns.in_prod || printer.is_json();
        let accounts = self.config.prod_account_ids()?;
        let accounts = production.then_some(accounts.as_slice());
        let (rows, warnings) = complete(&self.aws, images, accounts).await?;
        self.session.warn(&warnings);
        if printer.is_json() {
            printer.json(&rows);
        } else if header || !rows.is_empty() {
            let more = [(columns.in_prod, PRODUCTION), (columns.show_tags, TAGS)];
            let more = more
                .into_iter()
                .filter_map(|(wanted, own)| wanted.then_some(own));
            let table = COLUMNS
                .into_iter()
                .chain(more)
                .map(|(header, cell)| Column {
                    header,
                    cells: rows.iter().map(cell).collect(),
                });
            printer.table(&table.collect::<Vec<_>>());
        }
        Ok(match rows.is_empty() {
            true => Outcome::Exit(1),
            false => Outcome::Success,
        })
    }

    pub(super) async fn stragglers(&self, days: u32) -> Result<Outcome, Failure> {
        let stages = self.config.ami_stages()?;
        let trusted = self.trusted()?;
        let found = stragglers::list(&self.aws, &trusted, &stages, days).await?;
        self.session.printer.listing(&found, Straggler::line);
        Ok(Outcome::Success)
    }

    pub(super) async fn repository(&self) -> Result<Outcome, Failure> {
        let found = repository_host(&self.aws, &self.config).await?;
        let found: Vec<Repository> = found.into_iter().map(Repository::from).collect();
        let address = |own: &Repository| own.address.clone().unwrap_or_default();
        self.session.printer.listing(&found, address);
        Ok(Outcome::Success)
    }
}
