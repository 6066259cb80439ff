
# What somebody has on scratch namespaces, and whether it is there after the run. A fault that cannot be made ends all.
set -e
drive=/dev/nvme0
primary=$(cat /sys/class/nvme/nvme0/cntlid)
kept=/var/lib/lab-namespaces
mkdir -p "$kept"

# The block device of a namespace. Under multipath it is named after the subsystem, and the number in its name is no NSID.
block() {
	for disk in /sys/block/nvme0n*; do
		[ "$(cat "$disk/nsid")" != "$1" ] || echo "/dev/${disk##*/}"
	done
}

# The primary controller, and by that this machine, is attached to a namespace from here on.
attach() {
	nvme attach-ns "$drive" --namespace-id="$1" --controllers="$primary"
	# QEMU does not always tell of it.
	echo 1 >/sys/class/nvme/nvme0/rescan_controller
	for _ in $(seq 300); do
		[ ! -b "$(block "$1")" ] || return 0
		sleep 0.1
	done
	return 1
}

detach() { nvme detach-ns "$drive" --namespace-id="$1" --controllers="$primary"; }

# Of all its blocks, by the drive's own word: what this machine remembers of them may be older.
sum() {
	disk=$(block "$1")
	[ -b "$disk" ] || return 1
	sync
	dd if="$disk" bs=1M iflag=direct status=none | sha256sum | cut -d ' ' -f 1
}

keep() {
	sum "$1" >"$kept/$1"
	echo "lab: namespace $1 has the sum $(cat "$kept/$1"): $(blkid --probe --output value --match-tag TYPE "$(block "$1")")"
}

compare() {
	now=$(sum "$1")
	echo "lab: namespace $1 now has the sum $now"
	if [ "$now" = "$(cat "$kept/$1")" ]; then
		echo "lab: namespace $1 as it was"
	else
		echo "lab: namespace $1 NOT as it was"
	fi
}

# A run that restarts this machine is not over.
compare_at_the_end() {
	status=$?
	[ -n "$(systemctl show --property Job --value shutdown.target)" ] || compare_all
	exit "$status"
}

file_system() {
	busybox mke2fs -F "$1" >/dev/null
	mount "$1" /mnt
	echo "nobody may lose this" >/mnt/precious
}
