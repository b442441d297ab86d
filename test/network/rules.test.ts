// What nft is told, and which addresses a container gets, without a host.
import test from 'ava';
import { reachableServers } from '../../src/network/resolv-conf.js';
import { bridgeScript, endScript, ownScript } from '../../src/network/nft-rules.js';
import { overlappingRoute, slotAt, slotCount } from '../../src/network/slots.js';
import { parseCidr, parseEgressRule, parsePorts } from '../../src/spec/networks.js';

test('a range is cut into slots of four addresses, and the link bears the first one', (t) => {
  t.is(slotCount('10.213.0.0/16'), 16_384);
  t.is(slotCount('192.0.2.8/30'), 1);
  t.deepEqual(slotAt('10.213.0.0/16', 0), { link: 'tsrun0ad50000', gateway: '10.213.0.1', address: '10.213.0.2', gateway6: 'fd74:7372:756e::0ad5:1', address6: 'fd74:7372:756e::0ad5:2' });
  t.deepEqual(slotAt('203.0.113.77/24', 63), { link: 'tsruncb0071fc', gateway: '203.0.113.253', address: '203.0.113.254', gateway6: 'fd74:7372:756e::cb00:71fd', address6: 'fd74:7372:756e::cb00:71fe' });
  t.true(slotAt('10.213.0.0/16', 16_383).link.length <= 15, 'IFNAMSIZ');
});

test('a range that the host reaches otherwise is found; the default route and links of ours are none', (t) => {
  const route = (link: string, destination: string, mask: string) => `Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n${link}\t${destination}\t00000000\t0001\t0\t0\t0\t${mask}\t0\t0\t0\n`;
  t.deepEqual(overlappingRoute('10.213.0.0/16', route('eth0', '0000000A', '000000FF')), { link: 'eth0', cidr: '10.0.0.0/8' });
  t.deepEqual(overlappingRoute('10.0.0.0/8', route('eth0', '0001D50A', '00FFFFFF')), { link: 'eth0', cidr: '10.213.1.0/24' });
  t.is(overlappingRoute('10.213.0.0/16', route('eth0', '0000000B', '000000FF')), undefined);
  t.is(overlappingRoute('10.213.0.0/16', route('eth0', '00000000', '00000000')), undefined);
  t.is(overlappingRoute('10.213.0.0/16', route('tsrun0ad50000', '0000D50A', 'FCFFFFFF')), undefined);
});

test('rules of a list: families, ports that lie over each other, protocols; what is not named is refused', (t) => {
  const lines = bridgeScript('tsrun0ad50000', [
    { cidr: '192.0.2.0/24', ports: [443, 80, '8000-8999', '8500-9000', 81], protocol: 'tcp' }, { cidr: '2001:db8::/32', ports: [53] }, { cidr: '198.51.100.7', protocol: 'udp' }, { cidr: '203.0.113.9' },
  ]).split('\n').filter((line) => line.includes('rule inet tsrun tsrun0ad50000 ')).map((line) => line.replace('add rule inet tsrun tsrun0ad50000 ', ''));
  t.deepEqual(lines, [
    'ip daddr 192.0.2.0/24 tcp dport { 80-81, 443, 8000-9000 } accept', 'ip6 daddr 2001:db8::/32 tcp dport { 53 } accept', 'ip6 daddr 2001:db8::/32 udp dport { 53 } accept',
    'ip daddr 198.51.100.7 meta l4proto udp accept', 'ip daddr 203.0.113.9 accept', 'reject with icmpx type admin-prohibited',
  ]);
  t.deepEqual(ownScript([]).split('\n').filter((line) => line.includes('daddr') && line.endsWith('accept')), [], 'an empty list lets nothing through');
  t.regex(ownScript([]), /policy drop/);
});

test('the loopback of the host is behind no list, and before what a list lets through', (t) => {
  const refused = ['ip daddr { 0.0.0.0/8, 127.0.0.0/8 } reject with icmpx type admin-prohibited', 'ip6 daddr { ::, ::1, ::ffff:0:0/96 } reject with icmpx type admin-prohibited'];
  const rules = (script: string) => script.split('\n').filter((line) => line.startsWith('add rule')).map((line) => line.replace('add rule inet tsrun output ', ''));
  t.deepEqual(rules(ownScript(undefined)), ['oifname "lo" accept', ...refused]);
  t.regex(ownScript(undefined), /policy accept/);
  t.deepEqual(rules(ownScript([{ cidr: '0.0.0.0/0' }])).slice(0, 3), ['oifname "lo" accept', ...refused]);
});

test('without a list nothing of an earlier one of that address is left, and the end takes its own rules alone', (t) => {
  for (const script of [bridgeScript('tsrun0ad50000', undefined), endScript('tsrun0ad50000')]) {
    t.regex(script, /delete element inet tsrun egress \{ "tsrun0ad50000" \}\nflush chain inet tsrun tsrun0ad50000\ndelete chain inet tsrun tsrun0ad50000\n$/);
  }
  t.notRegex(endScript('tsrun0ad50000'), /flush chain inet tsrun (?:forward|input)/);
});

test('words of a list', (t) => {
  t.deepEqual(parseEgressRule('10.0.0.0/8'), { cidr: '10.0.0.0/8' });
  t.deepEqual(parseEgressRule('10.0.0.0/8:443,8000-8999/tcp'), { cidr: '10.0.0.0/8', ports: [443, '8000-8999'], protocol: 'tcp' });
  t.deepEqual(parseEgressRule('[2001:db8::/32]:53/udp'), { cidr: '2001:db8::/32', ports: [53], protocol: 'udp' });
  t.deepEqual(parseEgressRule('2001:db8::1'), { cidr: '2001:db8::1' });
  t.deepEqual(parseEgressRule('192.0.2.1:*/udp'), { cidr: '192.0.2.1', protocol: 'udp' });
  for (const bad of ['', 'example.test', '10.0.0.0/8:', '10.0.0.0/8:0', '10.0.0.0/8:80-79', '10.0.0.0/8:1,,2', '10.0.0.0/8:80/icmp', '10.0.0.0/08', '[10.0.0.0/8', '::1%lo', '10.0.0.0/8 accept']) t.is(parseEgressRule(bad), undefined, bad);
  t.is(parseCidr('10.0.0.0/33'), undefined);
  t.is(parsePorts('65536'), undefined);
});

test('name servers on the host\'s loopback are passed over, for those that systemd-resolved asks', (t) => {
  const reader = (files: Record<string, string>) => ({ read: (path: string) => files[path] });
  const upstream = '/run/systemd/resolve/resolv.conf';
  t.is(reachableServers(reader({ '/etc/resolv.conf': 'search a.test\nnameserver 127.0.0.1\nnameserver 192.0.2.53\n' })), 'search a.test\nnameserver 192.0.2.53\n');
  t.is(reachableServers(reader({ '/etc/resolv.conf': 'nameserver 127.0.0.53\n', [upstream]: 'nameserver 192.0.2.54\n' })), 'nameserver 192.0.2.54\n');
  t.is(reachableServers(reader({ '/etc/resolv.conf': 'nameserver ::1\nsearch b.test\n' })), '# the host\'s name servers listen on its loopback\nsearch b.test\n');
});
