//! Namespaces whose data may be lost, in verbs: those that the user has named, or those that are created and deleted again.

use anyhow::anyhow;

use super::Bench;
use crate::finding::{Finding, Problem};
use crate::nvme::{IdentifyController, IdentifyNamespace, Question, Scratch, create, namespaces};
use crate::undo::Undo;

/// The controller does not make a namespace.
pub const NOT_CREATED: Finding = Finding::bench(
    "scratch-namespace-not-created",
    "The controller refuses to create a namespace to be overwritten, or says that it has and lists none.",
    "See `nvme id-ctrl` for unallocated capacity (unvmcap). A drive may want sizes in larger steps than a MiB (`nvme id-ns-granularity`). Delete a namespace that nobody needs, or name one by `--scratch-namespace SERIAL:NSID`.",
);

/// How many blocks a namespace has that is created: more than any check writes.
const SIZE: u64 = 1 << 17;
/// By up to so many steps it has more: by its size it is known as ours. Drives want whole MiBs.
const MARK: u64 = 512;
const STEP: u64 = 2048;

impl Bench {
    /// The namespaces of this device whose data may be lost: at least so many where they are created.
    pub async fn scratch(&mut self, count: usize) -> Result<Vec<u32>, Problem> {
        let serial = self.serial();
        let named = self.settings.scratch_of(&serial);
        if named.is_empty() && self.settings.create_namespaces {
            return self.create_up_to(count).await;
        }
        let all = self.all_namespaces().await?;
        match named.iter().find(|nsid| !all.contains(nsid)) {
            None => Ok(named),
            Some(nsid) => Err(anyhow!(
                "{serial}:{nsid} is named as a scratch namespace, and that controller has none of that number; it has {all:?}"
            )
            .into()),
        }
    }

    /// Nothing is written to a namespace that the user has not named, and this bench has not created.
    pub(super) async fn may_be_lost(&mut self, nsid: u32) -> Result<(), Problem> {
        if self.scratch(0).await?.contains(&nsid) {
            return Ok(());
        }
        Err(anyhow!("namespace {nsid} was not named as a scratch namespace").into())
    }

    /// A namespace of this device, as it is told from those of others.
    pub(super) fn named(&self, nsid: u32) -> Scratch {
        let serial = self.serial();
        Scratch { serial, nsid }
    }

    pub(super) fn serial(&self) -> String {
        self.facts.device.serial().unwrap_or_default()
    }

    /// Another drive in its place was not named, and nothing could be undone there.
    pub(super) async fn is_that_drive(&mut self) -> Result<IdentifyController, Problem> {
        let now = self.identify_controller().await?;
        let (pf, serial) = (self.pf(), self.serial());
        if now.sn == serial {
            return Ok(now);
        }
        Err(anyhow!("{pf} is the drive {} now, and not {serial}", now.sn).into())
    }

    async fn all_namespaces(&mut self) -> Result<Vec<u32>, Problem> {
        let bytes = self.ask(Question::Namespaces).await?;
        self.listed(namespaces(&bytes))
    }

    async fn create_up_to(&mut self, count: usize) -> Result<Vec<u32>, Problem> {
        let mut ours = self.ours().await?;
        while ours.len() < count {
            self.create().await?;
            let now = self.ours().await?;
            let text = format!("created one more beside {ours:?}, lists {now:?}");
            self.assert(now.len() > ours.len(), &NOT_CREATED, text)?;
            ours = now;
        }
        Ok(ours)
    }

    /// Those that this bench has created, which it has promised to delete.
    async fn ours(&mut self) -> Result<Vec<u32>, Problem> {
        let Some((before, nsze)) = self.promised_to_delete() else {
            return Ok(Vec::new());
        };
        let mut ours = Vec::new();
        for nsid in self.all_namespaces().await? {
            if !before.contains(&nsid) && self.identify_namespace(nsid).await?.nsze == nsze {
                ours.push(nsid);
            }
        }
        Ok(ours)
    }

    async fn create(&mut self) -> Result<(), Problem> {
        self.is_that_drive().await?;
        let (before, nsze) = match self.promised_to_delete() {
            Some(known) => known,
            None => (
                self.all_namespaces().await?,
                SIZE + STEP * fastrand::u64(1..=MARK),
            ),
        };
        let words = create(&self.controller(self.pf()).await?, nsze);
        let serial = self.serial();
        let undo = Undo::Created {
            pf: self.pf(),
            serial,
            before,
            nsze,
        };
        let refusal = self.tell(&words, undo).await?;
        let answer = refusal.map_or("success".to_owned(), |status| status.to_string());
        let text = format!("`{}`: {answer}", words.join(" "));
        self.assert(refusal.is_none(), &NOT_CREATED, text)
    }

    /// Which there were before, and how large ours are.
    fn promised_to_delete(&self) -> Option<(Vec<u32>, u64)> {
        let mut all = self.pending.iter();
        all.find_map(|pending| match &pending.undo {
            Undo::Created { before, nsze, .. } => Some((before.clone(), *nsze)),
            _ => None,
        })
    }

    /// What the controller says of a namespace, attached or not.
    pub async fn identify_namespace(&mut self, nsid: u32) -> Result<IdentifyNamespace, Problem> {
        let bytes = self.ask(Question::Namespace(nsid)).await?;
        self.understood(IdentifyNamespace::decode(&bytes))
    }
}
