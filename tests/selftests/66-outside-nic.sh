#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
# env: partition
# lab: --qemu=-netdev --qemu=user,id=out --qemu=-device --qemu=virtio-net-pci,netdev=out
# The recipes of Documentation/outside.rst for the way outside over node 0's network card: bridge,
# NAT. Outside is QEMU's user network, and a program on this host behind it.

. "${0%/*}/recipes.sh"
ktap_plan 28

scratch=$(mktemp -d)
beyond=
cleanup() {
	take_away eth0 >/dev/null 2>&1
	[ -z "$beyond" ] || kill "$beyond" 2>/dev/null
	rm -rf "$scratch"
}

# What a distribution has and the lab's image lacks: the driver loaded, a script for udhcpc.
cat >"$scratch/udhcpc" <<'END'
#!/bin/sh
# $interface and so on are udhcpc's
case $1 in
deconfig) ip link set "$interface" up ;;
bound | renew)
	ip addr replace "$ip/$mask" dev "$interface"
	for each in $router; do ip route replace default via "$each" dev "$interface"; done
	;;
esac
END
chmod 755 "$scratch/udhcpc"
for n in 0 1; do
	push $n "$scratch/udhcpc" /etc/udhcpc/default.script || exit
done
node 0 modprobe virtio_net || exit
wait_for 10 have_feature device:eth0 || exit

python3 "${0%/*}/beyond.py" "$scratch/port" >"$scratch/beyond.log" 2>&1 </dev/null &
beyond=$!
wait_for 10 test -s "$scratch/port" || exit
port=$(cat "$scratch/port")

# For nodes: MB random bytes to the program, and as many from it; the checksums have to agree.
# shellcheck disable=SC2034 # used by eval
bash_put='
	exec 3<>/dev/tcp/10.0.2.2/$1 && trap "rm -f /tmp/content" EXIT
	head -c $2 /dev/urandom >/tmp/content
	{ echo "put $2"; cat /tmp/content; } >&3
	read -r got <&3
	read -r sum rest < <(sha256sum /tmp/content)
	echo "sent $sum, arrived $got"; [ -n "$sum" ] && [ "$sum" = "$got" ]'
bash_get='
	exec 3<>/dev/tcp/10.0.2.2/$1 && echo "get $2" >&3
	read -r sent <&3
	read -r sum rest < <(sha256sum <&3)
	echo "sent $sent, arrived $sum"; [ -n "$sent" ] && [ "$sum" = "$sent" ]'
# A datagram that no one answers may have been lost on the way: slirp is no reliable network.
bash_udp='
	exec 3<>/dev/udp/10.0.2.2/$1 || exit
	data=$(head -c 3000 /dev/urandom | od -An -tx1 | tr -d " \n" | head -c $2)
	read -r sum rest < <(printf "%s" "$data" | sha256sum)
	for try in 1 2 3 4 5; do
		printf "%s" "$data" >&3
		got=$(timeout 5 dd bs=100 count=1 <&3 2>/dev/null)
		[ -z "$got" ] || break
	done
	echo "sent $sum, arrived $got"; [ "$sum" = "$got" ]'
put() { VNI_NODE_TIMEOUT=90 node "$1" bash -c "$bash_put" bash "$port" "$2"; }
get() { VNI_NODE_TIMEOUT=90 node "$1" bash -c "$bash_get" bash "$port" "$2"; }
udp() { VNI_NODE_TIMEOUT=60 node "$1" bash -c "$bash_udp" bash "$port" "$2"; }

# few_again N: of all TCP segments that node N has sent, few were sent again.
few_again() {
	in_node "$1" 'awk "/^Tcp:/ && ++n == 2 { print \$13, \"of\", \$12, \"sent again\"
		exit !(\$12 > 100 && \$13 * 50 < \$12) }" /proc/net/snmp'
}

# way_outside RECIPE: 6 tests: traffic of all sorts between node 1 and what is outside.
way_outside() {
	check "$1: 8 MB go out whole, in large frames over vni0" offload_kept 1 0 put 1 $((8 << 20))
	check "$1: 8 MB come in whole" get 1 $((8 << 20))
	check "$1: few segments were sent twice" few_again 1
	check "$1: datagrams go out and come back" eval 'udp 1 1 && udp 1 1472'
	check "$1: a datagram in fragments does" udp 1 4000
	check "$1: no checksum was wrong, no frame was dropped" in_both '
		no_drops && [ "$(checksum_errors)" = 0 ]'
}

start_bare eth0
follow bridge node0
follow bridge node1
expect bridge check1 "node 1 reaches the gateway"
check "bridge: vni0 is promiscuous for it" in_node 0 '
	ip -d link show vni0 | grep "promiscuity 1"'
check "bridge: node 1's address is one of the LAN" in_node 1 '
	ip -4 addr show vni0 | grep "inet 10\.0\.2\."'
# shellcheck disable=SC2034 # used by eval
own=$(in_node 0 'ip -4 -o addr show br0' | sed -n 's/.*inet \([0-9.]*\).*/\1/p')
check "bridge: node 1 reaches node 0" node 1 ping -c 2 -i 0.2 -W 5 "$own"
way_outside bridge
check "bridge: node 0 itself has the way outside still" eval 'put 0 $((1 << 20)) && get 0 $((1 << 20))'
check "bridge: a VLAN's tags pass it" eval '
	in_node 0 "ip link add link br0 name br0.9 type vlan id 9 && ip link set br0.9 up &&
		ip addr add 10.9.0.1/24 dev br0.9" &&
	in_node 1 "ip link add link vni0 name vni0.9 type vlan id 9 && ip link set vni0.9 up &&
		ip addr add 10.9.0.2/24 dev vni0.9 && within 10 ping -q -c 1 -W 2 10.9.0.1 &&
		ping -q -c 2 -i 0.05 -W 5 -M do -s 1468 10.9.0.1"; code=$?
	node 0 ip link del br0.9; [ $code = 0 ]'
check "bridge: node 1 goes and comes back" eval '
	node 1 rmmod vni && node 1 insmod /vni/vni.ko && _on bridge node1 && _on bridge check1'

start_bare eth0
follow nat node0
follow nat node1
expect nat check1 "node 1 reaches the gateway"
way_outside nat
check "nat: vni0's MTU may be larger than the LAN's" eval '
	in_both "ip link set vni0 mtu 65517" && put 1 $((1 << 20)) && get 1 $((1 << 20)) && udp 1 4000'
check "nat: who forbids fragments is told the size that fits" in_node 1 '
	ping -c 3 -i 0.2 -W 5 -M do -s 4000 10.0.2.2 2>&1 | grep -i "mtu *= *1500"'
check "no checksum was wrong, no frame was dropped" in_both '
	no_drops && [ "$(checksum_errors)" = 0 ]'
check "the program outside has nothing to complain of" eval '
	! grep . "$scratch/beyond.log"'
