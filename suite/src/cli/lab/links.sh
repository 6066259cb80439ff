#!/bin/sh
# What the lab host does at each boot before the program starts: the interfaces run, as the requirement asks, and libvirt
# is awake.
export PATH="/payload:$PATH"
unit=sriov-certify-resume.service
end='the unit has ended'

# The unit does not wait for this script: what it says is repeated from the first line on.
journalctl --boot --follow --lines=all --output=cat --identifier=sriov-certify | sed --unbuffered "/^$end\$/Q" &
follower=$!

for net in /sys/class/net/*/device; do
	ip link set dev "$(basename "${net%/device}")" up
done
virsh version >/dev/null 2>&1 &
virsh=$!
for net in /sys/class/net/*/device; do
	# Virtual functions have a link partner only while somebody has put them up.
	[ -e "$net/physfn" ] && continue
	for _ in $(seq 600); do
		[ "$(cat "${net%/device}/carrier")" = 1 ] && break
		sleep 0.1
	done
done
wait "$virsh"

# Waits for the unit that goes on with a run after a restart, where there is one, and for the last it said.
follow_resume() {
	systemctl start "$unit" 2>/dev/null
	while systemctl --quiet is-active "$unit"; do sleep 0.2; done
	systemd-cat --identifier=sriov-certify echo "$end"
	wait "$follower"
}
