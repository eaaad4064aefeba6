/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command table: console, configuration file and mcrctl. One central table instead of one per
 * feature, because its order is the order of `help`, of `save` and of `mcrd --print-grammar`.
 */
#include "app.h"

/* clang-format off */
#define SET(syntax, help, name) {syntax, help, "core", NULL, model_##name},
#define RUN(syntax, help, name) {syntax, help, "core", run_##name, NULL},

const struct mcr_command app_commands[] = {
SET("set system name ~ <word:name>",
	"name in the prompt, logs and metrics (default host name)",
	system_name)
SET("set system cpus ~ <word:list>",
	"CPUs to run on, e.g. 1-5: the first for control, the rest for workers; read "
	"at start (default the CPUs this process may use)",
	system_cpus)
SET("set system workers ~ <num:count:1-127>",
	"worker lcores; read at start (default every CPU but the first; as many as "
	"CPUs: the first is shared)",
	system_workers)
SET("set system idle ~ poll|sleep|interrupt",
	"what an idle worker does (default poll with a PCI port, else sleep)",
	system_idle)
SET("set system memory ~ auto|hugepages|shared|plain",
	"where packet memory comes from; read at start (default auto)",
	system_memory)
SET("set system memory-size ~ <num:megabytes:64-1048576>",
	"packet memory; read at start (default computed from ports and limits)",
	system_memory_size)
SET("set system control-socket ~ <word:path>",
	"UNIX socket of mcrctl; read at start (default /run/mcr/mcrd.sock)",
	system_control_socket)
SET("set system control-group ~ <word:unix-group>",
	"UNIX group that may open the socket; read at start (default mcr)",
	system_control_group)
SET("set log level <word:type> ~ emerg|alert|crit|error|warning|notice|info|debug",
	"level of one log type or of all (default notice)",
	log_level)
SET("set limit groups ~ <num:count:1-1048576>",
	"groups of the appliance (default 65536)",
	limit_groups)
SET("set limit subscribers ~ <num:count:1-65535>",
	"subscribers of one group (default 16384)",
	limit_subscribers)
SET("set limit sources ~ <num:count:1-65535>",
	"sources of one group on one port (default 4096)",
	limit_sources)
SET("set limit memberships ~ <num:count:1-16777216>",
	"memberships of the appliance (default 1048576)",
	limit_memberships)
SET("add port <word:port> ~ dev <word:devargs>",
	"port from a PCI address or vdev arguments",
	add_port)
SET("add port <word:port> ~ dev <word:devargs> netns <word:netns>",
	"the same, created inside a network namespace",
	add_port_netns)
SET("add port <word:port> ~ netdev <word:ifname>",
	"port on a kernel interface (AF_XDP, else AF_PACKET)",
	add_port_netdev)
SET("add port <word:port> ~ netdev <word:ifname> netns <word:netns>",
	"the same, interface in a network namespace",
	add_port_netdev_netns)
SET("set port <word:port> role ~ access|uplink",
	"access = hosts, uplink = towards peers (default access)",
	port_role)
SET("set port <word:port> address <prefix:address> ~",
	"own address (queries, tunnel source); repeat for more",
	port_address)
SET("set port <word:port> segment ~ <word:segment>",
	"segment of untagged frames",
	port_segment)
SET("set port <word:port> vlan <num:vid:0-4094> ~ segment <word:segment>",
	"segment of one VLAN; 0 = priority-tagged",
	port_vlan)
SET("set port <word:port> mac ~ <mac:address>",
	"own Ethernet address (default the device's)",
	port_mac)
SET("set port <word:port> mtu ~ <num:bytes:576-9702>",
	"largest IP packet (default the device's, mostly 1500)",
	port_mtu)
SET("set port <word:port> queues ~ <num:rx:1-64> <num:tx:1-64>",
	"queues (default one for each worker, as far as the device has them)",
	port_queues)
SET("set port <word:port> descriptors ~ <num:rx:32-8192> <num:tx:32-8192>",
	"ring sizes (default 1024 1024)",
	port_descriptors)
SET("set port <word:port> receive-multicast ~ auto|on|off",
	"auto = NIC filter, else all-multicast, else promiscuous (default auto)",
	port_receive_multicast)
SET("set port <word:port> checksum ~ auto|software|off",
	"who fills checksums of what we send (default auto)",
	port_checksum)
SET("set port <word:port> admin ~ up|down",
	"administrative state (default up)",
	port_admin)
SET("set route <prefix:network> ~ via <ip:nexthop>",
	"static route (peers, hosts, source check)",
	route)
SET("set neighbor <word:port> <ip:address> ~ mac <mac:mac>",
	"static ARP or ND entry",
	neighbor)
SET("add segment <word:segment> ~ vni <num:vni:0-16777215>",
	"a tenant: one VNI, one membership view",
	add_segment)
SET("set segment <word:segment> address <prefix:address> ~",
	"own address on the segment's access ports that have none (queries); one a "
	"family",
	segment_address)
SET("set segment <word:segment> allow <prefix:groups> ~",
	"only listed groups are accepted; repeat for more (default every multicast "
	"group)",
	segment_allow)
SET("set segment <word:segment> deny <prefix:groups> ~",
	"these groups are refused, also inside an allowed prefix",
	segment_deny)
SET("set segment <word:segment> unknown ~ drop|flood",
	"data of groups without a member: to router ports only, or everywhere (default "
	"drop)",
	segment_unknown)
SET("add member <word:segment> <ip:group> any|<ip:source> port <word:port> ~",
	"static local member",
	add_member_port)
SET("add member <word:segment> <ip:group> any|<ip:source> peer <word:peer> ~",
	"static remote member",
	add_member_peer)
SET("set igmp <word:port-or-all> mode ~ querier|proxy|snoop|off",
	"role (default snoop on access ports, off on uplinks); value proxy from stage "
	"igmp",
	igmp_mode)
SET("set igmp <word:port-or-all> version ~ 1|2|3",
	"router version: highest version spoken (default 3)",
	igmp_version)
SET("set igmp <word:port-or-all> query-interval ~ <num:seconds:1-31744>",
	"(default 125)",
	igmp_query_interval)
SET("set igmp <word:port-or-all> response-interval ~ <num:seconds:1-3174>",
	"must be below query-interval (default 10)",
	igmp_response_interval)
SET("set igmp <word:port-or-all> last-member-interval ~ "
	"<num:milliseconds:100-3174400>",
	"(default 1000)",
	igmp_last_member_interval)
SET("set igmp <word:port-or-all> robustness ~ <num:count:1-255>",
	"0 is refused, 1 warns (default 2)",
	igmp_robustness)
SET("set igmp <word:port-or-all> fast-leave ~ on|off",
	"drop the member at once on leave, without a query (default off)",
	igmp_fast_leave)
SET("add peer <word:peer> ~ address <ip:address>",
	"remote appliance or VTEP",
	add_peer)
SET("set peer <word:peer> uplink ~ <word:port>",
	"port that reaches the peer (default by route)",
	peer_uplink)
SET("set peer <word:peer> source ~ <ip:address>",
	"own tunnel address (default the uplink's first of the family)",
	peer_source)
SET("set peer <word:peer> nexthop ~ <ip:address>",
	"next hop on the uplink (default by route or on-link)",
	peer_nexthop)
SET("set peer <word:peer> encap ~ vxlan|gre|gretap",
	"gre = IP in GRE, gretap = Ethernet in GRE; both from stage overlay (default "
	"vxlan)",
	peer_encap)
SET("set peer <word:peer> segment <word:segment> ~",
	"extend a segment to the peer; repeat for more",
	peer_segment)
SET("set peer <word:peer> membership ~ igmp|exchange|static|all|kernel",
	"how we learn what the peer wants (default igmp); exchange, kernel from stage "
	"overlay",
	peer_membership)
SET("set peer <word:peer> admin ~ up|down",
	"(default up)",
	peer_admin)
RUN("begin",
	"start a batch of changes",
	begin)
RUN("commit",
	"check and apply the batch",
	commit)
RUN("commit check",
	"check the batch, apply nothing",
	commit_check)
RUN("abort",
	"drop the batch",
	abort)
RUN("save",
	"write the running configuration to its file",
	save)
RUN("save <word:path>",
	"write it to another file",
	save_path)
RUN("load <word:path>",
	"replace the running configuration by a file, as one batch",
	load)
RUN("load check <word:path>",
	"check a file, apply nothing",
	load_check)
RUN("reload",
	"read the configuration file and the key file again",
	reload)
RUN("show config [json]",
	"running configuration, canonical lines",
	show_config)
RUN("show config candidate [json]",
	"the batch as it would be",
	show_config_candidate)
RUN("show config diff [json]",
	"what the batch would change",
	show_config_diff)
RUN("show status [json]",
	"one page: version, memory, ports, workers, groups, peers, encryption, warnings",
	show_status)
RUN("show version [json]",
	"versions of mcrd, DPDK, IPsec-mb",
	show_version)
RUN("show ports [json]",
	"ports, link, rates, drops",
	show_ports)
RUN("show port <word:port> [json]",
	"one port with all counters",
	show_port)
RUN("show segments [json]",
	"segments",
	show_segments)
RUN("show segment <word:segment> [json]",
	"one segment: ports, peers, ranges, counters",
	show_segment)
RUN("show groups [json]",
	"groups with members and counters",
	show_groups)
RUN("show groups segment <word:segment> [json]",
	"the same for one segment",
	show_groups_segment)
RUN("show group <ip:group> [json]",
	"one group: members, sources, timers, counters",
	show_group)
RUN("show group list [json]",
	"group addresses only",
	show_group_list)
RUN("show subscriber list all [json]",
	"Group, Subscriber, Type",
	show_subscribers)
RUN("show subscriber list all detail [json]",
	"more columns: segment port version mode sources age expiry packets bytes",
	show_subscribers_detail)
RUN("show subscriber list <ip:group> [json]",
	"the same for one group",
	show_subscribers_group)
RUN("show routes [json]",
	"static and imported routes",
	show_routes)
RUN("show neighbors [json]",
	"ARP and ND entries",
	show_neighbors)
RUN("show igmp interfaces [json]",
	"role, querier, version and timers of every port, IGMP and MLD",
	show_igmp_interfaces)
RUN("show igmp statistics [json]",
	"messages by type and version, errors by reason",
	show_igmp_statistics)
RUN("show igmp timers [json]",
	"derived intervals of every port",
	show_igmp_timers)
RUN("show peers [json]",
	"peers, state, round trip, copies, encryption, MTU",
	show_peers)
RUN("show peer <word:peer> [json]",
	"one peer",
	show_peer)
RUN("show workers [json]",
	"lcores: busy share, burst size, cycles for each packet and copy",
	show_workers)
RUN("show drops [json]",
	"every drop reason with its counter and what to do",
	show_drops)
RUN("show memory [json]",
	"mempools, hugepages, tables",
	show_memory)
RUN("show mtu [json]",
	"largest inner packet by port, tunnel and cipher",
	show_mtu)
RUN("show log <num:lines:1-10000> [json]",
	"last log lines",
	show_log)
RUN("show clock [json]",
	"protocol clock; how far it was warped",
	show_clock)
RUN("clear counters",
	"set all counters of the console to zero (metrics go on)",
	clear_counters)
RUN("clear counters port <word:port>",
	"one port",
	clear_counters_port)
RUN("clear drops",
	"drop counters",
	clear_drops)
RUN("clear neighbors",
	"forget learned ARP and ND entries",
	clear_neighbors)
RUN("clear group <word:segment> all|<ip:group>",
	"forget learned members, query again",
	clear_group)
RUN("clock warp <num:seconds:0-4294967>",
	"advance the protocol clock (needs mcrd --test-clock)",
	clock_warp)
RUN("clock warp <num:milliseconds:0-4294967295> ms",
	"the same in milliseconds",
	clock_warp_ms)
RUN("clock stop",
	"freeze the protocol clock (needs --test-clock)",
	clock_stop)
RUN("clock start",
	"let it run again",
	clock_start)
RUN("help",
	"list commands",
	help)
RUN("help <word:topic>",
	"commands that start with a word",
	help_topic)
RUN("quit",
	"leave the console",
	quit)
RUN("shutdown",
	"stop mcrd",
	shutdown)
};
/* clang-format on */

const unsigned app_n_commands = RTE_DIM(app_commands);
