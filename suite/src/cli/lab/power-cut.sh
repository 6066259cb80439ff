
# Begins runs whose power is cut from outside, restores after each, and compares what the machine shows of its devices
# with what it showed before the first: by other means than the program's own.
cuts=$1
out=/var/lib/power-cut

# What the secondary controllers have, what the primary has left, and which controllers each namespace is attached to.
drive() {
	drive=/dev/$(basename "$1")
	(cd "$1" && grep . state cntlid)
	nvme list-secondary "$drive"
	nvme primary-ctrl-caps "$drive"
	for nsid in $(nvme list-ns "$drive" --all | sed 's/.*://'); do
		echo "namespace $nsid"
		nvme list-ctrl "$drive" --namespace-id="$nsid"
	done
}

state() {
	for pf in /sys/bus/pci/devices/*/sriov_totalvfs; do
		pf=${pf%/sriov_totalvfs}
		echo "$(basename "$pf") driver $(basename "$(readlink "$pf/driver")")"
		(cd "$pf" && grep . sriov_numvfs sriov_drivers_autoprobe driver_override)
		for net in "$pf"/net/*; do
			[ -e "$net" ] && (cd "$net" && echo "$(basename "$net")" && grep . flags mtu address)
		done
		for controller in "$pf"/nvme/*; do
			[ -e "$controller" ] && drive "$controller"
		done
	done
	find /etc/udev/rules.d /etc/systemd/system /var/lib/sriov-certify | sort
	find /var/lib/libvirt/boot /var/lib/libvirt/qemu -path "*sriov-certify*" -type f | sort
	ip netns list
	virsh list --all --name
}

began=$(cat /var/lib/lab-began 2>/dev/null || echo 0)
mkdir -p /var/lib/sriov-certify/.sessions
if [ "$began" = 0 ]; then
	state >/var/lib/lab-state
else
	follow_resume
	# By a restart of its own the run may have come to its end before its cut, which then comes at this word. Where there is none
	# within seconds, it has come before.
	echo "lab: run $began has ended"
	sleep 10
	sriov-certify restore
	echo "lab: restore $began exited with $?"
	state >/var/lib/lab-state.now
	if changes=$(diff /var/lib/lab-state /var/lib/lab-state.now); then
		echo "lab: cut $began as it was"
	else
		echo "lab: cut $began NOT as it was"
		echo "$changes"
	fi
	mkdir -p "/results/cut-$began"
	cp /var/lib/lab-state /var/lib/lab-state.now "/results/cut-$began/"
	# A run that was cut before it began has left none.
	[ -e "$out" ] && cp -r "$out/." "/results/cut-$began/"
	rm -rf "$out"
fi
[ "$began" = "$cuts" ] && exit 0

began=$((began + 1))
echo "$began" >/var/lib/lab-began
sync
# One device at a time, with every kind of change that there is: of the VFs, of guests, of what lasts over a restart; every second
# time of secondary controllers and of namespaces. A cut during a restart that was asked for is taken for that restart, and the unit
# then goes on with all the devices there are.
certify() {
	echo "lab: run $began begins on $1"
	sriov-certify run --reboot --device "$@" --out "$out"
}
if [ $((began % 2)) = 0 ]; then
	certify 0000:03:00.0 --check 'nvme::*' --bench /payload/bench.toml
else
	certify 0000:01:00.0 --check 'vf::*' --check guest::hotplug --check guest::unplug --check guest::failover_pair --check 'persist::*'
fi
echo "lab: run $began is over before its cut"
exec sleep infinity
