
# Its sockets would start it again.
systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service
systemctl mask --runtime libvirtd.service
