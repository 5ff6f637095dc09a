#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 2400
# VNI_SOAK seconds (20 unless told) of all kinds of traffic while forms and MTUs change.

. "${0%/*}/net.sh"
: "${VNI_SOAK:=20}"
ktap_plan $((8 + BOOKS))
fresh_or_end

in_node 1 'setsid iperf3 -s -p 5202 >/dev/null 2>&1 </dev/null &'
serve 1
export VNI_NODE_TIMEOUT=$((VNI_SOAK + 60))
end="end=\$((\$(date +%s) + $VNI_SOAK)); more() { [ \$(date +%s) -lt \$end ]; }"
out=$(mktemp -d)
cleanup() { rm -rf "$out"; }

# Each part runs for itself until the time is over, says how often it went round, and fails if any
# of its rounds did.
part() { # NAME NODE SCRIPT
	(
		in_node "$2" "$end; rounds=0
			while more; do
				$3 || { echo \"round \$rounds failed\"; exit 1; }
				rounds=\$((rounds + 1))
			done
			echo \"\$rounds rounds\"
			[ \$rounds -gt 0 ]" >"$out/$1" 2>&1
		echo $? >"$out/$1.code"
	) &
}
part tcp 0 'client -c 192.168.77.2 -t 2 -P 2 --bidir'
part udp 0 'client -c fd77::2 -p 5202 -u -b 5M -l $((64 + rounds * 977 % 30000)) -t 2'
part ping0 0 'ping -q -c 20 -i 0.02 -W 5 -s $((rounds * 331 % 60000)) 192.168.77.2'
part ping1 1 'ping -q -c 20 -i 0.02 -W 5 -s $((rounds * 1733 % 60000)) fd77::1'
part form0 0 '{ set -- headtail offset mixed; shift $((rounds % 3)); echo $1 >$FORM && sleep 0.3; }'
part form1 1 '{ set -- mixed headtail offset; shift $((rounds % 3)); echo $1 >$FORM && sleep 0.5; }'
part mtu0 0 '{ set -- 1280 9000 1500 65517; shift $((rounds % 4)); ip link set vni0 mtu $1 &&
	sleep 0.7; }'
part mtu1 1 '{ set -- 65517 1500 9000 1280; shift $((rounds % 4)); ip link set vni0 mtu $1 &&
	sleep 1.1; }'
wait

for name in tcp udp ping0 ping1 form0 form1 mtu0 mtu1; do
	diag "$name: $(tail -n 1 "$out/$name")"
	case $name in
	tcp) what="TCP, two streams each way, all the time" ;;
	udp) what="UDP over IPv6 of many sizes" ;;
	ping*) what="pings of many sizes by node ${name#ping} lose nothing" ;;
	form*) what="forms changed on node ${name#form}" ;;
	mtu*) what="MTUs changed on node ${name#mtu}" ;;
	esac
	check "$what" sh -c 'tail -n 5 "$1"; exit "$(cat "$1.code")"' sh "$out/$name"
done
check_books
