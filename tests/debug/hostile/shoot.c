// SPDX-License-Identifier: GPL-2.0
/*
 * In the machine: puts packets on two links, one by one, and tells what each
 * made come out of them. The links are taps, so whoever is at the other end of
 * them may hand in anything: any bytes, laid out in memory in any pieces, with
 * what a device says of checksums and segmentation.
 *
 *   shoot SETUP <packets >results
 *
 * SETUP is run once the links are there. What is read, and written, hostile.t
 * knows too:
 *
 *   'P' link:u8 pieces:u8 length:u16[pieces] virtio_net_hdr bytes
 *   'O' link:u8 offloads:u32	what the link's device takes over from the stack
 *   'F'			connection tracking forgets all that it knows
 *
 *   'R' number:u32 errno:u32	the link did not take the packet
 *   'C' number:u32 link:u8 length:u32 virtio_net_hdr bytes
 *   'E' number:u32		the end, and how many packets there were
 *
 * On one processor all that a packet makes the stack do is done when write(2)
 * returns.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define LINKS		2
#define PIECES_MAX	16
#define FRAME_MAX	(1 << 17)
#define BUFFER_SIZE	(1 << 18)	/* the host is far away */

static const char *const link_names[LINKS] = { "wan", "inside" };
static int links[LINKS];
static uint32_t number;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int link_open(const char *name)
{
	struct ifreq ifr = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_NAPI |
			     IFF_NAPI_FRAGS,
	};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
		die(name);
	return fd;
}

static void get(void *to, size_t len)
{
	if (len && fread(to, len, 1, stdin) != 1)
		die("packets");
}

static void put(const void *from, size_t len)
{
	if (len && fwrite(from, len, 1, stdout) != 1)
		die("results");
}

static void put_u32(uint32_t value)
{
	put(&value, sizeof(value));
}

static uint8_t get_link(void)
{
	uint8_t n;

	get(&n, sizeof(n));
	if (n >= LINKS)
		exit(2);
	return n;
}

/* What has come out of the links. */
static void collect(void)
{
	static uint8_t frame[FRAME_MAX];
	uint8_t i;

	for (i = 0; i < LINKS; i++) {
		ssize_t len;

		while ((len = read(links[i], frame, sizeof(frame))) > 0) {
			put("C", 1);
			put_u32(number);
			put(&i, sizeof(i));
			put_u32(len);
			put(frame, len);
		}
		if (len < 0 && errno != EAGAIN)
			die(link_names[i]);
	}
}

static void packet(void)
{
	static uint8_t frame[FRAME_MAX];
	struct iovec iov[PIECES_MAX + 1] = {
		{ frame, sizeof(struct virtio_net_hdr) },
	};
	size_t len = sizeof(struct virtio_net_hdr);
	uint16_t lens[PIECES_MAX];
	uint8_t n, to = get_link();
	int i;

	get(&n, sizeof(n));
	if (n > PIECES_MAX)
		exit(2);
	get(lens, n * sizeof(*lens));
	for (i = 0; i < n; i++) {
		iov[i + 1] = (struct iovec){ frame + len, lens[i] };
		len += lens[i];
		if (len > sizeof(frame))
			exit(2);
	}
	get(frame, len);

	if (writev(links[to], iov, n + 1) < 0) {
		put("R", 1);
		put_u32(number);
		put_u32(errno);
	}
	collect();
	number++;
}

static void offload(void)
{
	uint8_t n = get_link();
	uint32_t offloads;

	get(&offloads, sizeof(offloads));
	if (ioctl(links[n], TUNSETOFFLOAD, (unsigned long)offloads))
		die("TUNSETOFFLOAD");
}

static void forget(void)
{
	static int netlink = -1;
	struct {
		struct nlmsghdr head;
		struct nfgenmsg message;
	} request = {
		.head = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 |
				      IPCTNL_MSG_CT_DELETE,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
	} answer;

	if (netlink < 0)
		netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	if (netlink < 0 ||
	    send(netlink, &request, sizeof(request), 0) < 0 ||
	    recv(netlink, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer))
		die("conntrack");
	if (answer.error.error) {
		errno = -answer.error.error;
		die("conntrack");
	}
}

int main(int argc, char **argv)
{
	int i, what;

	if (argc != 2 || setvbuf(stdin, NULL, _IOFBF, BUFFER_SIZE) ||
	    setvbuf(stdout, NULL, _IOFBF, BUFFER_SIZE))
		return 2;
	for (i = 0; i < LINKS; i++)
		links[i] = link_open(link_names[i]);
	if (system(argv[1]))
		return 1;
	/* What the stack says of its own accord about new links. */
	for (i = 0; i < LINKS; i++) {
		char frame[2048];

		while (read(links[i], frame, sizeof(frame)) > 0)
			;
	}

	while ((what = getchar()) != EOF) {
		switch (what) {
		case 'P':
			packet();
			break;
		case 'O':
			offload();
			break;
		case 'F':
			forget();
			break;
		default:
			return 2;
		}
	}
	put("E", 1);
	put_u32(number);
	return fflush(stdout) ? 1 : 0;
}
