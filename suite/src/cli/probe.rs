//! `probe`: the facts of this machine, of another machine's dump, or a profile drafted from a card.

use std::path::{Path, PathBuf};

use clap::Args;
use harness::facts;

use super::{output, real, usage};

#[derive(Args)]
pub(super) struct ProbeArgs {
    /// Print the facts as JSON.
    #[arg(long, conflicts_with = "draft")]
    json: bool,
    /// Read the output of `lspci -xxxx` from another machine instead.
    #[arg(long, value_name = "FILE", conflicts_with = "draft")]
    dump: Option<PathBuf>,
    /// Draft a profile from the card at this address.
    #[arg(long, value_name = "BDF")]
    draft: Option<String>,
}

pub(super) fn run(args: &ProbeArgs) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let text = runtime.block_on(async {
        match &args.dump {
            Some(file) => dump(file, args.json).await,
            None => this_machine(args).await,
        }
    })?;
    output::print(&text)?;
    Ok(0)
}

async fn this_machine(args: &ProbeArgs) -> anyhow::Result<String> {
    let host = real::this_host()?;
    let names = facts::names(host.as_ref()).await;
    let machine = facts::host(host.as_ref()).await?;
    if let Some(text) = &args.draft {
        let bdf = text
            .parse()
            .map_err(|error| usage(format!("--draft {text}: {error}")))?;
        let device = facts::device(host.as_ref(), bdf, &names)
            .await
            .map_err(|error| usage(format!("--draft {bdf}: {error}")))?;
        return facts::draft(&machine, &device)
            .map_err(|error| usage(format!("--draft {bdf}: {error}")));
    }
    let devices = facts::sriov_devices(host.as_ref(), &names).await?;
    if args.json {
        return Ok(serde_json::to_string_pretty(
            &serde_json::json!({ "host": machine, "devices": devices }),
        )?);
    }
    Ok(facts::table(&machine, &devices))
}

async fn dump(file: &Path, json: bool) -> anyhow::Result<String> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| {
        usage(format!(
            "cannot read {name}: {error}; name a file with the output of `lspci -xxxx`"
        ))
    })?;
    let names = facts::names(real::this_host()?.as_ref()).await;
    let devices = facts::dump(&text, &names).map_err(|error| usage(format!("{name}: {error}")))?;
    if json {
        return Ok(serde_json::to_string_pretty(
            &serde_json::json!({ "devices": devices }),
        )?);
    }
    Ok(facts::devices_table(&devices))
}
