//! The unit of systemd that goes on with a run after the machine has restarted.

use std::path::Path;

/// Its text. A verdict is no failure of the unit. It starts before libvirt, and so before libvirt starts any guest, but does not keep
/// libvirt from starting: what the run looks at is how the machine comes up by itself.
pub fn text(program: &Path, out: &Path) -> String {
    let (program, out) = (quoted(program), quoted(out));
    format!(
        "# Installed by a run of sriov-certify that restarts this machine, and removed at its end.\n\
         [Unit]\n\
         Description=Go on with the certification that restarted this machine\n\
         RequiresMountsFor={program} {out}\n\
         After=local-fs.target network.target\n\
         Before=libvirtd.service virtqemud.service libvirt-guests.service\n\
         \n\
         [Service]\n\
         Type=exec\n\
         ExecStart={program} resume\n\
         SuccessExitStatus=1 2\n\
         Environment=HOME=/root\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    )
}

/// As systemd reads a path with blanks or a percent sign in it (systemd.syntax(7), systemd.unit(5)).
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::text;

    #[test]
    fn what_is_installed() {
        let text = text(Path::new("/usr/bin/sriov-certify"), Path::new("/srv/100 %"));
        insta::assert_snapshot!(text);
    }
}
