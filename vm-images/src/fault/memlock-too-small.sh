
# Without the capability the daemon cannot raise the limit that its children inherit (prlimit(2)).
mkdir -p /run/systemd/system/libvirtd.service.d
cat >/run/systemd/system/libvirtd.service.d/memlock.conf <<-'EOF'
	[Service]
	LimitMEMLOCK=64M
	CapabilityBoundingSet=~CAP_SYS_RESOURCE
EOF
systemctl daemon-reload
systemctl restart libvirtd.service
virsh version >/dev/null
