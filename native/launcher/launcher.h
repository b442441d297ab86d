// Everything that one launcher holds.
#ifndef TSRUN_LAUNCHER_LAUNCHER_H_
#define TSRUN_LAUNCHER_LAUNCHER_H_

#include "launcher/container.h"
#include "launcher/device_programs.h"
#include "launcher/home.h"
#include "launcher/id_maps.h"
#include "launcher/listen_events.h"
#include "launcher/own_namespaces.h"
#include "launcher/parent_folders.h"
#include "launcher/watch.h"

namespace tsrun {

struct Output;

struct Launcher {
  Loop loop;
  Home home;
  IdMaps id_maps{loop};
  ParentFolders parents{containers};
  DevicePrograms device_programs;
  ListenEvents listen_events{*this};
  OwnNamespaces own;
  Client* clients = nullptr;
  Container* containers = nullptr;
  Output* outputs = nullptr;
  UniqueFd listener;
  Watch listener_watch;
  bool listener_rests = false;  // for want of descriptors
  char listener_path[128] = "";
  UniqueFd self;    // its own pidfd, by which its children see whether it lives
  UniqueFd reaper;  // the sealed program of `--init`
  // An ordinary user's: in a user namespace of its own, whose maps somebody else has to write (newuidmap(1)).
  bool rootless = false;
  bool settled = false;
  // Of an ordinary user's container that is there: the launcher goes to where its user namespace was made, since from one of its
  // own it would have no right over that.
  int beside = 0;
  // It is in the user namespace already: its caller is root there (podman of an ordinary user).
  bool inside = false;

  Status open();
  // With the maps written: becomes root there, and goes home.
  Status settle();
  bool idle() const { return clients == nullptr && containers == nullptr && outputs == nullptr; }
};

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_LAUNCHER_H_
