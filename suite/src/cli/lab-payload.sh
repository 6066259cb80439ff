#!/bin/sh
# What the lab host does before the program starts: the interfaces run, as the requirement asks, and libvirt is awake.
for net in /sys/class/net/*/device; do
	ip link set dev "$(basename "${net%/device}")" up
done
virsh version >/dev/null 2>&1 &
for net in /sys/class/net/*/device; do
	for _ in $(seq 600); do
		[ "$(cat "${net%/device}/carrier")" = 1 ] && break
		sleep 0.1
	done
done
wait
