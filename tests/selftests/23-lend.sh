#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
# env: partition ivshmem uml
# Frames that stay in the slots of the peer's packet buffer (rx-copybreak): only where asked for,
# whole, given back when they have been read, and never used anew before that.

. "${0%/*}/net.sh"
boot_anew || exit
fresh_or_end
in_node 1 'ethtool --set-tunable vni0 rx-copybreak 4096' ||
	skip_all "this window's memory has no pages"
ktap_plan $((27 + BOOKS))
fresh_or_end
serve 1

linked() {
	in_both 'within 8 carrier_is 1 && within 8 ping -c 1 -W 1 192.168.77.$((PEER + 1))'
}
lend() { # NODE BYTES
	in_node "$1" "ethtool --set-tunable vni0 rx-copybreak $2" && linked
}
tcp="iperf 0 -c 192.168.77.2 -n 40M"

check "not asked for, nothing stays in place" grew_within 1 rx_lent_frames 0 0 $tcp
check "it can be asked for, and the link comes back" lend 1 4096
check "large frames stay in place" grew_within 1 rx_lent_frames 200 1000000 $tcp
# A reader that is late for a moment leaves the stack with as many as it may have.
check "hardly any of them is copied" grew_within 1 rx_loan_copies 0 40 $tcp
check "the other node, which did not ask, copies" grew_within 0 rx_lent_frames 0 0 $tcp -R
check "both may ask" lend 0 4096
check "pings of 60000 bytes arrive whole" in_both '
	ping -q -c 20 -i 0.02 -W 3 -s 60000 -p a5c3 192.168.77.$((PEER + 1)) | grep " 0% packet loss"'
check "UDP of 60000 bytes arrives whole" in_node 0 '
	client -c 192.168.77.2 -u -b 40M -l 60000 -t 1 >/dev/null'
in_node 1 'setsid timeout 30 tcpdump -q -c 40 -w /run/seen -i vni0 -Q in greater 5000 \
	>/run/seen.log 2>&1 </dev/null & within 10 grep -q listening /run/seen.log'
check "who listens in sees frames that stay in place" eval '$tcp >/dev/null &&
	in_node 1 "within 10 grep -q \"40 packets captured\" /run/seen.log &&
		[ \$(tcpdump -r /run/seen 2>/dev/null | wc -l) = 40 ]"'

# Some megabytes of noise there and back again.
in_node 1 'setsid nc -l -p 7000 -e sh -c "cat >/run/noise; cat /run/noise" >/dev/null 2>&1 &'
check "content arrives as it was sent, both ways" in_node 0 '
	dd if=/dev/urandom of=/run/noise bs=64k count=64 2>/dev/null
	(cat /run/noise; sleep 2) | timeout 20 nc -w 5 192.168.77.2 7000 >/run/back
	cmp -n 1000000 /run/noise /run/back || { ls -l /run/noise /run/back; exit 1; }'

# A program has received pages mapped, where the kernel does that.
tool=$(mktemp -d)
cleanup() { rm -rf "$tool"; }
cc -std=gnu11 -O2 -static -o "$tool/zcread" "${0%/*}/zcread.c" &&
	push 1 "$tool/zcread" /bin/zcread || exit
in_node 1 'setsid sh -c "zcread 7002 >/run/mapped 2>/run/mapped.log" >/dev/null 2>&1 </dev/null &
	within 10 sh -c "ss -Htln sport = :7002 | grep -q 7002"'
check "content is whole for a program that asks for pages" eval '
	in_node 0 "timeout 20 nc -w 5 192.168.77.2 7002 </run/noise" &&
		in_node 1 "within 10 grep -q . /run/mapped.log" &&
		[ "$(node 0 sha256sum </dev/null /run/noise | cut -c1-64)" = \
			"$(node 1 sha256sum </dev/null /run/mapped | cut -c1-64)" ]'
mapped=$(node 1 cat /run/mapped.log)
if [ "$VNI_ENV" = uml ]; then
	check_equal "there the window is not mapped into programs" 0 "$mapped"
else
	check "it was given some" test "$mapped" -gt 0
fi

# Programs that do not read yet hold on to what came in, whatever becomes of the link.
in_node 1 'rm -f /run/go
	for port in 7011 7012 7013 7014; do
		setsid nc -l -p $port -e sh -c "until [ -e /run/go ]; do sleep 0.2; done
			exec cat >/run/late.$port" >/dev/null 2>&1 </dev/null &
		within 10 sh -c "ss -Htln sport = :$port | grep -q $port" || exit
	done'
in_node 0 'for port in 7011 7012 7013 7014; do
		dd if=/dev/urandom of=/run/late.$port bs=64k count=16 2>/dev/null
		setsid nc 192.168.77.2 $port -e \
			sh -c "exec dd if=/run/late.$port bs=64k 2>/dev/null" >/dev/null 2>&1 &
	done'
held() { # how many slots of node 0 those have
	in_node 0 'within 8 sh -c "ethtool -S vni0 | grep -E \"slots_lent: [1-9]\"" && stat slots_lent'
}
# The link comes up beside them, all is used anew that can be, and they have theirs still.
beside() {
	linked && $tcp >/dev/null && $tcp -R >/dev/null && held
}
check "programs that do not read yet hold slots of node 0" held
check "other traffic goes on beside them" beside
check "so it does when node 1's link was down" eval '
	in_node 1 "ip link set vni0 down && ip link set vni0 up" && beside'
check "and node 0's" eval 'in_node 0 "ip link set vni0 down && ip link set vni0 up" && beside'
check "and when node 1 was set to copy all meanwhile" eval 'lend 1 262144 && beside && lend 1 4096'
check "and when node 0's driver was loaded anew" eval '
	in_node 0 "rmmod vni && load_modules && configure 0" && beside'
if [ "$VNI_ENV" = uml ]; then
	skip "and the whole of node 0's modules" "the window would have to be mapped anew"
else
	check "and the whole of node 0's modules" eval '
		in_node 0 "rmmod vni vni_shm && load_modules && configure 0" && beside'
fi
check "nobody's link was refused" in_both '! grep "faults [1-9]" /sys/kernel/debug/vni/*/status'
in_node 1 'touch /run/go'
check "then they read what was sent to them" in_node 1 '
	for port in 7011 7012 7013 7014; do
		within 20 sh -c "[ \$(stat -c %s /run/late.$port) = 1048576 ]" || exit
	done'
check_equal "to the last bit" "$(node 0 sh -c 'cat /run/late.* | sha256sum' </dev/null)" \
	"$(node 1 sh -c 'cat /run/late.* | sha256sum' </dev/null)"
check "and all slots are home again" slots_return

# Its new life has lent what it knows nothing of. A partition's node 0 has started the other.
late="a node that is killed and boots again leaves out what a program there has not read"
if [ "$VNI_ENV" = uml ]; then
	in_node 1 'rm -f /run/go
		setsid nc -l -p 7015 -e sh -c "until [ -e /run/go ]; do sleep 0.2; done
			exec cat >/run/late" >/dev/null 2>&1 </dev/null &
		within 10 sh -c "ss -Htln sport = :7015 | grep -q 7015"'
	pull 0 /run/late.7011 "$tool/late"
	in_node 0 'setsid nc 192.168.77.2 7015 -e \
		sh -c "exec dd if=/run/late.7011 bs=64k 2>/dev/null" >/dev/null 2>&1 &'
	held >/dev/null
	check "$late" eval '"$VNI_LAB_COMMAND" kill 0 && "$VNI_LAB_COMMAND" start 0 &&
		in_node 0 "load_modules && configure 0" && beside && in_node 1 "touch /run/go
			within 10 sh -c \"[ \\\$(stat -c %s /run/late) -gt 40000 ]\"" &&
		pull 1 /run/late "$tool/read" && ls -l "$tool" &&
		cmp -n "$(stat -c %s "$tool/read")" "$tool/late" "$tool/read"'
else
	skip "$late" "node 0 cannot be killed here"
fi

check "both ways at once" iperf 0 -c 192.168.77.2 -t 3 --bidir
check "modules are unloaded under such traffic and loaded again" eval '
	pid=$(iperf_bg) && sleep 1 && in_node 0 "rmmod vni && load_modules && configure 0" &&
		linked; code=$?; node 0 kill -9 "$pid"; exit $code'
fresh_or_end
serve 1
lend 0 4096 >/dev/null && lend 1 4096 >/dev/null
check "the other forms beside it" eval '
	for form in headtail offset mixed; do
		in_both "echo $form >\$FORM" && $tcp >/dev/null && $tcp -R >/dev/null || exit
	done'
check_books
