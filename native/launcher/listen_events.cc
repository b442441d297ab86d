#include "launcher/listen_events.h"

#include <netinet/in.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher/cgroup_programs.h"
#include "launcher/client.h"
#include "launcher/launcher.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

namespace tsrun {

// What the program writes down of a socket.
struct ListenEvents::Listening {
  uint64_t network;  // SO_NETNS_COOKIE
  uint32_t family;
  uint32_t port;
  uint32_t ipv4;  // addresses in the order of the network
  uint32_t ipv6[4];
  uint32_t unused;
};

namespace {

constexpr ProgramKind kKind{BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, "tsrun_listens"};
// A power of two, and whole pages of every size that arm64 has.
constexpr uint32_t kRingBytes = 64 * 1024;
// A program that listens more often while it is watched is not well, or wants to keep the launcher busy.
constexpr uint32_t kMostTold = 16;

constexpr bpf_insn instruction(uint8_t code, unsigned into, unsigned from, int16_t at, int32_t value) {
  bpf_insn made{};
  made.code = code;
  made.dst_reg = into & 0xfU;
  made.src_reg = from & 0xfU;
  made.off = at;
  made.imm = value;
  return made;
}
constexpr bpf_insn load_word(unsigned into, unsigned from, int16_t at) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, into, from, at, 0);
}
constexpr bpf_insn store_word(int16_t at, unsigned from) {
  return instruction(BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, from, at, 0);
}
constexpr bpf_insn copy(unsigned into, unsigned from) { return instruction(BPF_ALU64 | BPF_MOV | BPF_X, into, from, 0, 0); }
constexpr bpf_insn set(unsigned into, int32_t value) { return instruction(BPF_ALU64 | BPF_MOV | BPF_K, into, 0, 0, value); }
constexpr bpf_insn call_helper(int32_t number) { return instruction(BPF_JMP | BPF_CALL, 0, 0, 0, number); }

// Of the record, which lies at the end of the stack.
template <typename Record>
constexpr int16_t on_stack(size_t offset) {
  return static_cast<int16_t>(offset - sizeof(Record));
}

Status make_map(bpf_map_type type, uint32_t key_size, uint32_t value_size, uint32_t entries, UniqueFd* into) {
  bpf_attr attributes{};
  attributes.map_type = type;
  attributes.key_size = key_size;
  attributes.value_size = value_size;
  attributes.max_entries = entries;
  memcpy(attributes.map_name, kKind.name, strlen(kKind.name));
  return take(bpf(BPF_MAP_CREATE, attributes), into);
}

Status map_pages(int fd, size_t offset, size_t size, int protection, uint8_t** into) {
  sys::Outcome mapped = sys::call<SYS_mmap>(0L, size, protection, MAP_SHARED, fd, offset);
  TSRUN_TRY(mapped.status());
  *into = static_cast<uint8_t*>(mapped.pointer());
  // A process on its way into a container has no business with what others listen on.
  return sys::call<SYS_madvise>(*into, size, MADV_DONTFORK).status();
}

// The launcher goes there and back.
Status find_network(const Launcher& launcher, const Container& container, uint64_t* cookie) {
  UniqueFd socket;
  socklen_t size = sizeof *cookie;
  Status entered = sys::call<SYS_setns>(container.pidfd.get(), CLONE_NEWNET).status();
  if (entered.ok()) entered = take(sys::call<SYS_socket>(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), &socket);
  launcher.own.return_to(CLONE_NEWNET);
  TSRUN_TRY(entered);
  return sys::call<SYS_getsockopt>(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, cookie, &size).status();
}

}  // namespace

Status ListenEvents::begin(Container& container) {
  if (!container.cgroup.valid()) return Status{SYS_bpf, ENOENT};
  if (!program_.valid()) TSRUN_TRY(open());
  end(container);
  uint64_t network = 0;
  TSRUN_TRY(find_network(launcher_, container, &network));
  TSRUN_TRY(attach_program(kKind, program_.get(), container.cgroup.get()));
  container.listen_network = network;
  container.listens_told = 0;
  return kOk;
}

void ListenEvents::end(Container& container) {
  if (container.listen_network == 0) return;
  container.listen_network = 0;
  (void)detach_program(kKind, program_.get(), container.cgroup.get());
}

Status ListenEvents::open() {
  if (!ring_.valid()) TSRUN_TRY(make_map(BPF_MAP_TYPE_RINGBUF, 0, 0, kRingBytes, &ring_));
  if (!losses_.valid()) TSRUN_TRY(make_map(BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof known_losses_, 1, &losses_));
  if (records_ == nullptr) TSRUN_TRY(map_ring());
  auto ready = [](void* owner, uint32_t) { static_cast<ListenEvents*>(owner)->drain(); };
  if (watch_.fd < 0) TSRUN_TRY(launcher_.loop.add(&watch_, ring_.get(), EPOLLIN, ready, this));
  return load();
}

// The first page, which is this side's to write, the second, and the records twice in a row, so that none is in two pieces.
Status ListenEvents::map_ring() {
  auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  uint8_t* pages = nullptr;
  if (consumed_ == nullptr) {
    TSRUN_TRY(map_pages(ring_.get(), 0, page, PROT_READ | PROT_WRITE, &pages));
    consumed_ = reinterpret_cast<uint64_t*>(pages);
  }
  TSRUN_TRY(map_pages(ring_.get(), page, page + 2 * size_t{kRingBytes}, PROT_READ, &pages));
  produced_ = reinterpret_cast<const uint64_t*>(pages);
  records_ = pages + page;
  return kOk;
}

// It is called at many events of a connection, and has an answer to none of them: what other programs reply stays.
Status ListenEvents::load() {
  constexpr auto kAt = on_stack<Listening>;
  constexpr auto kSize = static_cast<int32_t>(sizeof(Listening));
  const bpf_insn code[] = {
      copy(BPF_REG_6, BPF_REG_1),
      load_word(BPF_REG_2, BPF_REG_6, offsetof(bpf_sock_ops, op)),
      instruction(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, 30, BPF_SOCK_OPS_TCP_LISTEN_CB),
      load_word(BPF_REG_2, BPF_REG_6, offsetof(bpf_sock_ops, family)),
      store_word(kAt(offsetof(Listening, family)), BPF_REG_2),
      load_word(BPF_REG_2, BPF_REG_6, offsetof(bpf_sock_ops, local_port)),
      store_word(kAt(offsetof(Listening, port)), BPF_REG_2),
      load_word(BPF_REG_2, BPF_REG_6, offsetof(bpf_sock_ops, local_ip4)),
      store_word(kAt(offsetof(Listening, ipv4)), BPF_REG_2),
      load_word(BPF_REG_2, BPF_REG_6, offsetof(bpf_sock_ops, local_ip6[0])),
      store_word(kAt(offsetof(Listening, ipv6[0])), BPF_REG_2),
      load_word(BPF_REG_2, BPF_REG_6, offsetof(bpf_sock_ops, local_ip6[1])),
      store_word(kAt(offsetof(Listening, ipv6[1])), BPF_REG_2),
      load_word(BPF_REG_2, BPF_REG_6, offsetof(bpf_sock_ops, local_ip6[2])),
      store_word(kAt(offsetof(Listening, ipv6[2])), BPF_REG_2),
      load_word(BPF_REG_2, BPF_REG_6, offsetof(bpf_sock_ops, local_ip6[3])),
      store_word(kAt(offsetof(Listening, ipv6[3])), BPF_REG_2),
      instruction(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, kAt(offsetof(Listening, unused)), 0),
      copy(BPF_REG_1, BPF_REG_6),
      call_helper(BPF_FUNC_get_netns_cookie),
      instruction(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_0, kAt(offsetof(Listening, network)), 0),
      instruction(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, ring_.get()),
      {},
      copy(BPF_REG_2, BPF_REG_10),
      instruction(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -kSize),
      set(BPF_REG_3, kSize),
      set(BPF_REG_4, 0),
      call_helper(BPF_FUNC_ringbuf_output),
      instruction(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 4, 0),
      // There was no room.
      instruction(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_VALUE, 0, losses_.get()),
      {},
      set(BPF_REG_2, 1),
      instruction(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_1, BPF_REG_2, 0, BPF_ADD),
      set(BPF_REG_0, 1),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  return load_program(kKind, code, sizeof code / sizeof code[0], &program_);
}

// No more than there is now: who fills the ring while it is read does not hold up the rest.
void ListenEvents::drain() {
  uint64_t end = __atomic_load_n(produced_, __ATOMIC_ACQUIRE);
  for (uint64_t at = *consumed_; at < end;) {
    const uint8_t* record = records_ + (at & (kRingBytes - 1));
    uint32_t length = __atomic_load_n(reinterpret_cast<const uint32_t*>(record), __ATOMIC_ACQUIRE);
    if ((length & BPF_RINGBUF_BUSY_BIT) != 0) break;
    if (length == sizeof(Listening)) {
      Listening listening;
      memcpy(&listening, record + BPF_RINGBUF_HDR_SZ, sizeof listening);
      report(listening);
    }
    constexpr uint64_t kWord = 8;
    at += ((length & ~BPF_RINGBUF_DISCARD_BIT) + BPF_RINGBUF_HDR_SZ + kWord - 1) & ~(kWord - 1);
    __atomic_store_n(consumed_, at, __ATOMIC_RELEASE);
  }
  report_losses();
}

void ListenEvents::report(const Listening& listening) {
  for (Container* each = launcher_.containers; each != nullptr; each = each->next) {
    if (each->listen_network != listening.network || !may_tell(*each)) continue;
    bool is_ipv6 = listening.family == AF_INET6;
    EventListening event{};
    event.container = each->handle;
    event.port = listening.port;
    event.address.data =
        is_ipv6 ? reinterpret_cast<const uint8_t*>(listening.ipv6) : reinterpret_cast<const uint8_t*>(&listening.ipv4);
    event.address.size = is_ipv6 ? sizeof listening.ipv6 : sizeof listening.ipv4;
    (void)send_event(*each->owner, event);
  }
}

// Whose they were is not known.
void ListenEvents::report_losses() {
  uint32_t key = 0;
  uint64_t losses = known_losses_;
  bpf_attr attributes{};
  attributes.map_fd = static_cast<uint32_t>(losses_.get());
  attributes.key = bpf_address(&key);
  attributes.value = bpf_address(&losses);
  (void)bpf(BPF_MAP_LOOKUP_ELEM, attributes);
  if (losses == known_losses_) return;
  known_losses_ = losses;
  for (Container* each = launcher_.containers; each != nullptr; each = each->next) {
    if (each->listen_network == 0 || !may_tell(*each)) continue;
    EventListeningLost event{};
    event.container = each->handle;
    (void)send_event(*each->owner, event);
  }
}

// So much for each time that it is asked for, so that neither a container that floods the ring nor a client that does not read
// what is told costs more than that.
bool ListenEvents::may_tell(Container& container) {
  if (++container.listens_told <= kMostTold) return true;
  end(container);
  EventListeningLost event{};
  event.container = container.handle;
  event.ended = true;
  (void)send_event(*container.owner, event);
  return false;
}

}  // namespace tsrun
