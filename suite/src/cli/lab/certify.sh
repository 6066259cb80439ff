
# The run restarts this machine, and the unit goes on with it: from the second boot on it is only followed.
if [ -e /var/lib/lab-began ]; then
	follow_resume
	exit 0
fi
touch /var/lib/lab-began
sync /var/lib/lab-began
# A guest system of the caller's own.
if [ -e /payload/manifest.toml ]; then
	mkdir -p /etc/sriov-certify
	cp /payload/manifest.toml /etc/sriov-certify/
fi
# Many drives come with all their flexible resources at the primary controller, QEMU's with none there.
if [ -e /dev/nvme0 ]; then
	flexible() { nvme primary-ctrl-caps /dev/nvme0 | sed -n "s/^$1 *: *//p"; }
	nvme virt-mgmt /dev/nvme0 --cntlid="$(cat /sys/class/nvme/nvme0/cntlid)" --act=1 --rt=0 --nr="$(flexible vqfrt)"
	nvme virt-mgmt /dev/nvme0 --cntlid="$(cat /sys/class/nvme/nvme0/cntlid)" --act=1 --rt=1 --nr="$(flexible vifrt)"
	echo 1 >/sys/class/nvme/nvme0/device/reset
	for _ in $(seq 300); do
		[ "$(cat /sys/class/nvme/nvme0/state)" = live ] && break
		sleep 0.1
	done
fi
