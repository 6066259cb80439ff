
# The kernel keeps what it has loaded; on disk neither the module nor a word of it is to be found.
modprobe igbvf
modules=/lib/modules/$(uname -r)
sed /igbvf/d "$modules/modules.dep" >/run/modules.dep
mount --bind /run/modules.dep "$modules/modules.dep"
mount -t tmpfs none "$modules/kernel/drivers/net/ethernet/intel/igbvf"
