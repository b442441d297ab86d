#include "oci/interfaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "engine/launcher_process.h"

namespace tsrun::oci {
namespace {

using engine::Descriptor;

constexpr size_t kMostMessage = 65536;

// What goes wrong, as errno.
using Error = int;

// A request of rtnetlink(7), put together attribute by attribute.
class Message {
 public:
  Message(uint16_t type, uint16_t flags, const void* head, size_t size) {
    bytes_.resize(NLMSG_SPACE(size));
    header()->nlmsg_type = type;
    header()->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    memcpy(NLMSG_DATA(header()), head, size);
  }

  void add(uint16_t type, const void* data, size_t size) {
    size_t at = bytes_.size();
    bytes_.resize(at + RTA_SPACE(size));
    auto* attribute = reinterpret_cast<rtattr*>(bytes_.data() + at);
    attribute->rta_type = type;
    attribute->rta_len = static_cast<uint16_t>(RTA_LENGTH(size));
    memcpy(RTA_DATA(attribute), data, size);
  }

  const std::vector<char>& finish() {
    header()->nlmsg_len = static_cast<uint32_t>(bytes_.size());
    return bytes_;
  }

 private:
  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes_.data()); }

  std::vector<char> bytes_;
};

// In the network namespace in which it was opened.
class Netlink {
 public:
  Netlink() : socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {}

  // `each` gets the messages of an answer that has several.
  template <typename Each>
  Error ask(Message message, Each each) {
    const std::vector<char>& bytes = message.finish();
    if (send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) return errno;
    std::vector<char> buffer(kMostMessage);
    for (;;) {
      ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (size < 0) return errno;
      auto left = static_cast<uint32_t>(size);
      for (auto* at = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
        if (at->nlmsg_type == NLMSG_DONE) return 0;
        if (at->nlmsg_type == NLMSG_ERROR) return -static_cast<const nlmsgerr*>(NLMSG_DATA(at))->error;
        each(at);
      }
    }
  }

  Error tell(Message message) {
    return ask(std::move(message), [](const nlmsghdr*) {});
  }

 private:
  Descriptor socket_;
};

constexpr uint16_t kKept[] = {IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_ANYCAST, IFA_FLAGS, IFA_RT_PRIORITY};

// An address to be given again, where the interface has another number.
struct Address {
  ifaddrmsg head;
  std::vector<std::pair<uint16_t, std::string>> attributes;
};

bool is_kept(const Address& address, unsigned index) {
  uint32_t flags = address.head.ifa_flags;
  for (const auto& [type, value] : address.attributes) {
    if (type == IFA_FLAGS) memcpy(&flags, value.data(), std::min(value.size(), sizeof flags));
  }
  return address.head.ifa_index == index && address.head.ifa_scope == RT_SCOPE_UNIVERSE && (flags & IFA_F_PERMANENT) != 0;
}

Address address_of(nlmsghdr* message) {
  auto* head = static_cast<ifaddrmsg*>(NLMSG_DATA(message));
  Address address{*head, {}};
  auto left = static_cast<int>(IFA_PAYLOAD(message));
  for (rtattr* at = IFA_RTA(head); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
    bool kept = std::find(std::begin(kKept), std::end(kKept), at->rta_type) != std::end(kKept);
    if (kept) address.attributes.emplace_back(at->rta_type, std::string(static_cast<char*>(RTA_DATA(at)), RTA_PAYLOAD(at)));
  }
  return address;
}

// The kernel takes addresses away when an interface changes its namespace (dev_change_net_namespace).
Error addresses_of(unsigned index, std::vector<Address>* addresses) {
  rtgenmsg any{};
  return Netlink().ask(Message(RTM_GETADDR, NLM_F_DUMP, &any, sizeof any), [&](nlmsghdr* message) {
    if (message->nlmsg_type != RTM_NEWADDR) return;
    Address address = address_of(message);
    if (is_kept(address, index)) addresses->push_back(std::move(address));
  });
}

std::set<unsigned> indexes_here() {
  std::set<unsigned> indexes;
  struct if_nameindex* names = if_nameindex();
  for (struct if_nameindex* each = names; each != nullptr && each->if_index != 0; ++each) indexes.insert(each->if_index);
  if (names != nullptr) if_freenameindex(names);
  return indexes;
}

Error settle(unsigned index, std::vector<Address>& addresses) {
  Netlink netlink;
  ifinfomsg up{};
  up.ifi_index = static_cast<int>(index);
  up.ifi_flags = IFF_UP;
  up.ifi_change = IFF_UP;
  for (Address& each : addresses) {
    each.head.ifa_index = index;
    Message message(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE, &each.head, sizeof each.head);
    for (const auto& [type, value] : each.attributes) message.add(type, value.data(), value.size());
    if (Error error = netlink.tell(std::move(message))) return error;
  }
  return netlink.tell(Message(RTM_NEWLINK, NLM_F_ACK, &up, sizeof up));
}

Error move(unsigned index, uint32_t pid, const std::string& name) {
  ifinfomsg link{};
  link.ifi_index = static_cast<int>(index);
  Message message(RTM_NEWLINK, NLM_F_ACK, &link, sizeof link);
  message.add(IFLA_NET_NS_PID, &pid, sizeof pid);
  if (!name.empty()) message.add(IFLA_IFNAME, name.c_str(), name.size() + 1);
  return Netlink().tell(std::move(message));
}

struct Visit {
  Descriptor own;
  Descriptor theirs;

  Error open(uint32_t pid) {
    own.set(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    theirs.set(::open(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
    return own.get() < 0 || theirs.get() < 0 ? errno : 0;
  }
  Error go() const { return setns(theirs.get(), CLONE_NEWNET) == 0 ? 0 : errno; }
  Error come_back() const { return setns(own.get(), CLONE_NEWNET) == 0 ? 0 : errno; }
};

Error hand_over(const std::string& interface, uint32_t pid, const std::string& name) {
  std::vector<Address> addresses;
  Visit visit;
  unsigned index = if_nametoindex(interface.c_str());
  if (index == 0) return errno;
  if (Error error = addresses_of(index, &addresses)) return error;
  if (Error error = visit.open(pid)) return error;
  if (Error error = visit.go()) return error;
  std::set<unsigned> before = indexes_here();
  // The kernel would move it, and then fail: a virtual one would be gone with the namespace.
  bool taken = if_nametoindex((name.empty() ? interface : name).c_str()) != 0;
  if (Error error = visit.come_back()) return error;
  if (taken) return EEXIST;
  if (Error error = move(index, pid, name)) return error;
  if (Error error = visit.go()) return error;
  Error settled = ENODEV;
  for (unsigned each : indexes_here()) {
    // A number that is taken there is not kept.
    if (!before.contains(each)) settled = settle(each, addresses);
  }
  Error back = visit.come_back();
  return settled != 0 ? settled : back;
}

// moveInterface(interface, pid, name): into the network namespace of a process, with its global addresses, and up.
JSValue MoveInterface(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  Error error = hand_over(text_of(context, arguments[0]), static_cast<uint32_t>(number_of(context, arguments[1])), text_of(context, arguments[2]));
  return error == 0 ? JS_UNDEFINED : throw_failure(context, "rtnetlink", error);
}

}  // namespace

void define_interfaces(JSContext* context, JSValueConst host) { define(context, host, {{"moveInterface", 3, MoveInterface}}); }

}  // namespace tsrun::oci
