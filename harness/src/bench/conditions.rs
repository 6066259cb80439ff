//! What else decides how fast frames go, in verbs: it is no fault of a device, but figures without it cannot be compared.

use super::{Bench, STEP_LIMIT, within};

/// How the speed of processors is chosen, of the first for all (Linux Documentation/admin-guide/pm/cpufreq.rst).
const GOVERNOR: &str = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";

impl Bench {
    /// The machine's processors, how their speed is chosen, and how far the card is from each of their nodes.
    pub async fn conditions(&self) -> String {
        let (model, node) = (&self.facts.host.cpu.model, self.facts.device.numa_node);
        let governor = self.line(GOVERNOR).await;
        // Linux Documentation/ABI/stable/sysfs-devices-node: the distances from it to all nodes, 10 to itself.
        let distances = match node {
            Some(node) => {
                let path = format!("/sys/devices/system/node/node{node}/distance");
                self.line(&path).await
            }
            None => None,
        };
        told(model, governor.as_deref(), node, distances.as_deref())
    }

    /// What a file says that may not be there, or not be read: that is no reason to lose what was measured.
    async fn line(&self, path: &str) -> Option<String> {
        let read = within(STEP_LIMIT, self.host.read(path)).await.ok()?;
        Some(String::from_utf8_lossy(&read).trim().to_owned())
    }
}

fn told(model: &str, governor: Option<&str>, node: Option<u32>, distances: Option<&str>) -> String {
    let model = if model.is_empty() {
        "of no known model"
    } else {
        model
    };
    let governor = governor.map_or_else(
        || "who chooses their speed is not known".into(),
        |governor| format!("governor {governor}"),
    );
    let place = match (node, distances) {
        (None, _) => "the card is at no NUMA node".into(),
        (Some(node), None) => format!("the card is at NUMA node {node}"),
        (Some(node), Some(distances)) => {
            let distances = distances.split_whitespace().collect::<Vec<_>>().join(", ");
            format!(
                "the card is at NUMA node {node}, in the distances {distances} to node 0 and up"
            )
        }
    };
    format!("processors: {model}; {governor}; {place}")
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn what_is_not_known_is_said_to_be_so() {
        let all = told("Xeon", Some("performance"), Some(1), Some("21 10"));
        let none = told("", None, None, None);
        assert_eq!(
            all,
            "processors: Xeon; governor performance; the card is at NUMA node 1, in the distances 21, 10 to node 0 and up"
        );
        assert_eq!(
            none,
            "processors: of no known model; who chooses their speed is not known; the card is at no NUMA node"
        );
    }
}
