// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/efi/mock_firmware.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/text.h"

namespace vhdboot::efi::test {

MockFirmware* MockFirmware::current = nullptr;

namespace {

std::string key_of(const EFI_GUID& guid) {
  return {reinterpret_cast<const char*>(&guid), sizeof(guid)};
}
std::string key_of(const Guid& guid) {
  return key_of(efi_guid(guid));
}

std::u16string text_of(const CHAR16* text) {
  std::u16string out;
  for (; *text != 0; ++text) out += static_cast<char16_t>(*text);
  return out;
}

EFI_EVENT const kKeyEvent = reinterpret_cast<EFI_EVENT>(0x4B4559);

// The initrd's path, as the kernel spells it.
Buffer initrd_path() {
  return join({node(4, 3, "5568e427-68fc-4f3d-ac74-ca555231cc68"_guid.bytes)});
}

}  // namespace

MockFirmware::MockFirmware() {
  current = this;
  boot_.HandleProtocol = handle_protocol;
  boot_.LocateDevicePath = locate_device_path;
  boot_.InstallMultipleProtocolInterfaces = install_many;
  boot_.UninstallMultipleProtocolInterfaces = uninstall_many;
  boot_.AllocatePool = allocate_pool;
  boot_.FreePool = free_pool;
  boot_.AllocatePages = allocate_pages;
  boot_.FreePages = free_pages;
  boot_.CopyMem = copy_mem;
  boot_.SetMem = set_mem;
  boot_.CreateEvent = create_event;
  boot_.SetTimer = set_timer;
  boot_.WaitForEvent = wait_for_event;
  boot_.CloseEvent = close_event;
  boot_.Stall = stall;
  boot_.SetWatchdogTimer = set_watchdog;
  boot_.LoadImage = load_image;
  boot_.StartImage = start_image;
  boot_.UnloadImage = unload_image;
  runtime_.ResetSystem = reset_system;
  runtime_.GetVariable = get_variable;
  runtime_.SetVariable = set_variable;
  out_.Reset = reset_output;
  out_.OutputString = output_string;
  out_.SetMode = set_mode;
  out_.QueryMode = query_mode;
  out_.SetAttribute = set_attribute;
  out_.ClearScreen = clear_screen;
  out_.EnableCursor = enable_cursor;
  out_.Mode = &mode_;
  mode_.MaxMode = text_modes;
  in_.ReadKeyStroke = read_key;
  in_.WaitForKey = kKeyEvent;
  volume_.OpenVolume = open_volume;
  table.BootServices = &boot_;
  table.RuntimeServices = &runtime_;
  table.ConOut = &out_;
  table.ConIn = &in_;
}

MockFirmware::~MockFirmware() {
  current = nullptr;
}

EFI_HANDLE MockFirmware::add_handle() {
  return reinterpret_cast<EFI_HANDLE>(0x1000 * next_handle_++);
}

void MockFirmware::install(EFI_HANDLE handle, const Guid& protocol, void* interface) {
  protocols_[handle][key_of(protocol)] = interface;
}

void* MockFirmware::interface(EFI_HANDLE handle, const Guid& protocol) const {
  const auto found = protocols_.find(handle);
  if (found == protocols_.end()) return nullptr;
  const auto entry = found->second.find(key_of(protocol));
  return entry == found->second.end() ? nullptr : entry->second;
}

EFI_DEVICE_PATH* MockFirmware::keep_path(Buffer path) {
  append(path, end_node());
  paths_.push_back(std::make_unique<Buffer>(std::move(path)));
  return reinterpret_cast<EFI_DEVICE_PATH*>(paths_.back()->data());
}

void MockFirmware::set_device_path(EFI_HANDLE handle, Buffer path, const Guid& protocol) {
  install(handle, protocol, keep_path(std::move(path)));
}

std::optional<std::string> MockFirmware::ask_for_initrd() {
  EFI_DEVICE_PATH* path = keep_path(initrd_path());
  EFI_GUID load_file2 = efi_guid(kLoadFile2);
  EFI_HANDLE handle = nullptr;
  if (failed(locate_device_path(&load_file2, &path, &handle))) return std::nullopt;
  auto* const protocol = static_cast<LoadFile2Protocol*>(interface(handle, kLoadFile2));
  UINTN size = 0;
  EXPECT_EQ(protocol->LoadFile(protocol, path, TRUE, &size, nullptr), EFI_UNSUPPORTED)
      << "a boot policy makes no sense";
  EXPECT_EQ(protocol->LoadFile(protocol, nullptr, FALSE, &size, nullptr), EFI_INVALID_PARAMETER);
  EXPECT_EQ(protocol->LoadFile(protocol, path, FALSE, nullptr, nullptr), EFI_INVALID_PARAMETER);
  EXPECT_EQ(protocol->LoadFile(protocol, path, FALSE, &size, nullptr), EFI_BUFFER_TOO_SMALL);
  std::string initrd(size, '?');
  if (size > 0) {
    UINTN less = size - 1;
    EXPECT_EQ(protocol->LoadFile(protocol, path, FALSE, &less, initrd.data()), EFI_BUFFER_TOO_SMALL);
    EXPECT_EQ(less, size);
    EXPECT_EQ(initrd, std::string(size, '?'));
  }
  UINTN more = size + 100;
  initrd.resize(more, '!');
  EXPECT_EQ(protocol->LoadFile(protocol, path, FALSE, &more, initrd.data()), EFI_SUCCESS);
  EXPECT_EQ(more, size);
  EXPECT_EQ(initrd.substr(size), std::string(100, '!'));
  initrd.resize(size);
  return initrd;
}

void MockFirmware::add_disk(EFI_HANDLE handle, std::string contents, UINT32 block_size) {
  auto disk = std::make_unique<Disk>();
  disk->io.Media = &disk->media;
  disk->io.ReadBlocks = read_blocks;
  disk->media.MediaId = 7;
  disk->media.MediaPresent = TRUE;
  disk->media.BlockSize = block_size;
  disk->media.IoAlign = 16;
  disk->contents = std::move(contents);
  disk->contents.resize(std::max<std::size_t>(disk->contents.size(), block_size));
  install(handle, kBlockIo, &disk->io);
  disks_[handle] = std::move(disk);
}

void MockFirmware::add_file_system(EFI_HANDLE handle) {
  install(handle, kSimpleFileSystem, &volume_);
}

// ---- handles

EFI_STATUS EFIAPI MockFirmware::handle_protocol(EFI_HANDLE handle, EFI_GUID* protocol, void** out) {
  if (handle == nullptr || protocol == nullptr || out == nullptr) return EFI_INVALID_PARAMETER;
  Guid guid;
  std::memcpy(guid.bytes.data(), protocol, sizeof(guid));
  *out = current->interface(handle, guid);
  return *out == nullptr ? EFI_UNSUPPORTED : EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::locate_device_path(EFI_GUID* protocol, EFI_DEVICE_PATH** path, EFI_HANDLE* out) {
  const auto wanted = [](const void* p) {
    std::size_t size = 0;
    const auto* bytes = static_cast<const std::byte*>(p);
    while ((std::to_integer<int>(bytes[size]) & 0x7F) != 0x7F)
      size += std::to_integer<std::size_t>(bytes[size + 2]) + 256 * std::to_integer<std::size_t>(bytes[size + 3]);
    return Bytes(bytes, size);
  };
  const Bytes whole = wanted(*path);
  EFI_HANDLE best = nullptr;
  std::size_t best_size = 0;
  for (const auto& [handle, interfaces] : current->protocols_) {
    const auto own = interfaces.find(key_of(kDevicePath));
    if (own == interfaces.end() || !interfaces.contains(key_of(*protocol))) continue;
    const Bytes prefix = wanted(own->second);
    if (prefix.size() > whole.size() || !std::ranges::equal(prefix, whole.first(prefix.size()))) continue;
    if (best == nullptr || prefix.size() > best_size) {
      best = handle;
      best_size = prefix.size();
    }
  }
  if (best == nullptr) return EFI_NOT_FOUND;
  *out = best;
  *path = reinterpret_cast<EFI_DEVICE_PATH*>(const_cast<std::byte*>(whole.data()) + best_size);
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::install_many(EFI_HANDLE* handle, ...) {
  __builtin_ms_va_list arguments;
  __builtin_ms_va_start(arguments, handle);
  std::map<std::string, void*> added;
  while (auto* const guid = __builtin_va_arg(arguments, EFI_GUID*))
    added[key_of(*guid)] = __builtin_va_arg(arguments, void*);
  __builtin_ms_va_end(arguments);
  if (const auto own = added.find(key_of(kDevicePath)); own != added.end()) {
    auto* path = static_cast<EFI_DEVICE_PATH*>(own->second);
    EFI_GUID device_path = efi_guid(kDevicePath);
    EFI_HANDLE existing = nullptr;
    if (!failed(locate_device_path(&device_path, &path, &existing)) && IsDevicePathEnd(path))
      return EFI_ALREADY_STARTED;
  }
  if (*handle == nullptr) *handle = current->add_handle();
  current->protocols_[*handle].merge(added);
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::uninstall_many(EFI_HANDLE handle, ...) {
  __builtin_ms_va_list arguments;
  __builtin_ms_va_start(arguments, handle);
  auto& interfaces = current->protocols_.at(handle);
  while (auto* const guid = __builtin_va_arg(arguments, EFI_GUID*)) {
    const auto found = interfaces.find(key_of(*guid));
    EXPECT_TRUE(found != interfaces.end() && found->second == __builtin_va_arg(arguments, void*));
    interfaces.erase(found);
  }
  __builtin_ms_va_end(arguments);
  if (interfaces.empty()) current->protocols_.erase(handle);
  return EFI_SUCCESS;
}

// ---- memory

EFI_STATUS EFIAPI MockFirmware::allocate_pool(EFI_MEMORY_TYPE, UINTN size, void** out) {
  if (current->fail_pool_after == 0) return EFI_OUT_OF_RESOURCES;
  --current->fail_pool_after;
  auto memory = std::make_unique<std::byte[]>(size);
  std::memset(memory.get(), 0xDB, size);
  *out = memory.get();
  current->pool_[*out] = std::move(memory);
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::free_pool(void* memory) {
  EXPECT_EQ(current->pool_.erase(memory), 1u) << "freed twice or never allocated";
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::allocate_pages(EFI_ALLOCATE_TYPE, EFI_MEMORY_TYPE, UINTN count,
                                               EFI_PHYSICAL_ADDRESS* out) {
  void* const memory = std::aligned_alloc(4096, 4096 * count);
  *out = reinterpret_cast<EFI_PHYSICAL_ADDRESS>(memory);
  ++current->pages_;
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::free_pages(EFI_PHYSICAL_ADDRESS memory, UINTN) {
  std::free(reinterpret_cast<void*>(memory));
  --current->pages_;
  return EFI_SUCCESS;
}

void EFIAPI MockFirmware::copy_mem(void* to, void* from, UINTN size) {
  if (size > 0) std::memmove(to, from, size);
}

void EFIAPI MockFirmware::set_mem(void* to, UINTN size, UINT8 value) {
  std::memset(to, value, size);
}

// ---- time and keys

EFI_STATUS EFIAPI MockFirmware::create_event(UINT32 type, EFI_TPL, EFI_EVENT_NOTIFY, void*, EFI_EVENT* out) {
  EXPECT_EQ(type, static_cast<UINT32>(EVT_TIMER));
  if (!current->timers_work) return EFI_OUT_OF_RESOURCES;
  *out = reinterpret_cast<EFI_EVENT>(0x7000 + current->timers_.size());
  current->timers_[*out] = std::nullopt;
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::set_timer(EFI_EVENT event, EFI_TIMER_DELAY type, UINT64 time) {
  EXPECT_EQ(type, TimerRelative);
  current->timers_.at(event) = current->now + static_cast<double>(time) / 1e7;
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::wait_for_event(UINTN count, EFI_EVENT* events, UINTN* index) {
  std::optional<double> when;
  const auto consider = [&](UINTN i, double time) {
    if (when && *when <= time) return;
    when = time;
    *index = i;
  };
  for (UINTN i = 0; i < count; ++i) {
    if (events[i] == kKeyEvent) {
      for (const Key& key : current->keys) consider(i, std::max(key.at_second, current->now));
    } else if (const auto timer = current->timers_.at(events[i])) {
      consider(i, *timer);
    }
  }
  if (!when) {
    ADD_FAILURE() << "waits for something that never happens";
    return EFI_UNSUPPORTED;
  }
  current->now = std::max(current->now, *when);
  if (events[*index] != kKeyEvent) current->timers_.at(events[*index]) = std::nullopt;
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::close_event(EFI_EVENT event) {
  current->timers_.erase(event);
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::stall(UINTN microseconds) {
  current->now += static_cast<double>(microseconds) / 1e6;
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::set_watchdog(UINTN seconds, UINT64 code, UINTN, CHAR16*) {
  EXPECT_GE(code, 0x10000u) << "lower codes are the firmware's";
  current->watchdog.push_back(seconds);
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::read_key(SIMPLE_INPUT_INTERFACE*, EFI_INPUT_KEY* out) {
  auto& keys = current->keys;
  const auto key = std::ranges::find_if(keys, [](const Key& k) { return k.at_second <= current->now; });
  if (key == keys.end()) return EFI_NOT_READY;
  const Key taken = *key;
  keys.erase(key);
  *out = {taken.scan_code, taken.character};
  return taken.is_character ? EFI_SUCCESS : EFI_NOT_READY;
}

EFI_STATUS EFIAPI MockFirmware::reset_system(EFI_RESET_TYPE type, EFI_STATUS, UINTN, CHAR16*) {
  throw Reset{type, current->now};
}

EFI_STATUS EFIAPI MockFirmware::get_variable(CHAR16* name, EFI_GUID*, UINT32* attributes, UINTN* size, void* data) {
  for (const std::u16string& which : {text_of(name), std::u16string()})
    if (const auto status = current->read_statuses.find(which); status != current->read_statuses.end())
      return status->second;
  const auto found = current->variables.find(text_of(name));
  if (found == current->variables.end()) return EFI_NOT_FOUND;
  const std::string& value = found->second;
  const UINTN room = *size;
  *size = value.size();
  if (room < value.size()) return EFI_BUFFER_TOO_SMALL;
  std::memcpy(data, value.data(), value.size());
  if (attributes != nullptr) *attributes = current->attributes[text_of(name)];
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::set_variable(CHAR16* name, EFI_GUID* guid, UINT32 attributes, UINTN size, void* data) {
  const std::u16string text = text_of(name);
  EXPECT_EQ(key_of(*guid), key_of("4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"_guid));
  current->wrote.push_back(text);
  if (failed(current->write_status)) return current->write_status;
  if (size == 0) {
    if (!current->variables.contains(text)) return EFI_NOT_FOUND;
    EXPECT_EQ(attributes, current->attributes[text]) << "another variable, for some firmware";
    if (!current->keeps_variables) current->variables.erase(text);
    return EFI_SUCCESS;
  }
  EXPECT_EQ(attributes, static_cast<UINT32>(EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS))
      << "nothing of ours is left after a restart";
  EXPECT_LT(size, 1000u);
  current->variables[text].assign(static_cast<const char*>(data), size);
  current->attributes[text] = attributes;
  return EFI_SUCCESS;
}

// ---- console

EFI_STATUS EFIAPI MockFirmware::reset_output(SIMPLE_TEXT_OUTPUT_INTERFACE* out, BOOLEAN) {
  return set_mode(out, 0);
}

EFI_STATUS EFIAPI MockFirmware::set_mode(SIMPLE_TEXT_OUTPUT_INTERFACE* out, UINTN mode) {
  if (mode == 1 || mode >= static_cast<UINTN>(current->text_modes)) return EFI_UNSUPPORTED;
  if (static_cast<INT32>(mode) != current->mode_.Mode) current->graphics = false;
  current->mode_.Mode = static_cast<INT32>(mode);
  return clear_screen(out);
}

EFI_STATUS EFIAPI MockFirmware::output_string(SIMPLE_TEXT_OUTPUT_INTERFACE*, CHAR16* text) {
  if (current->graphics) return EFI_SUCCESS;
  current->screen += to_utf8(text_of(text));
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::query_mode(SIMPLE_TEXT_OUTPUT_INTERFACE*, UINTN, UINTN* columns, UINTN* rows) {
  *columns = current->columns;
  *rows = 25;
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::set_attribute(SIMPLE_TEXT_OUTPUT_INTERFACE*, UINTN) {
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::clear_screen(SIMPLE_TEXT_OUTPUT_INTERFACE*) {
  current->before_clear += std::exchange(current->screen, {});
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::enable_cursor(SIMPLE_TEXT_OUTPUT_INTERFACE*, BOOLEAN) {
  return EFI_SUCCESS;
}

// ---- images

EFI_STATUS EFIAPI MockFirmware::load_image(BOOLEAN boot_policy, EFI_HANDLE, EFI_DEVICE_PATH* path, void* source,
                                           UINTN size, EFI_HANDLE* out) {
  EXPECT_EQ(boot_policy, FALSE);
  EXPECT_NE(path, nullptr);
  current->loaded.assign(static_cast<const char*>(source), size);
  if (failed(current->load_status) && !current->load_leaves_handle) return current->load_status;
  *out = current->add_handle();
  current->install(*out, kLoadedImage, &current->kernel_);
  ++current->loaded_images;
  return current->load_status;
}

EFI_STATUS EFIAPI MockFirmware::start_image(EFI_HANDLE handle, UINTN*, CHAR16**) {
  EXPECT_NE(current->interface(handle, kLoadedImage), nullptr);
  current->options.assign(static_cast<const char*>(current->kernel_.LoadOptions), current->kernel_.LoadOptionsSize);
  --current->loaded_images;
  if (current->on_start) current->on_start();
  if (!current->start_status) throw KernelRuns();
  return *current->start_status;
}

EFI_STATUS EFIAPI MockFirmware::unload_image(EFI_HANDLE handle) {
  EXPECT_EQ(current->protocols_.erase(handle), 1u);
  --current->loaded_images;
  return EFI_SUCCESS;
}

// ---- disks and files

EFI_STATUS EFIAPI MockFirmware::read_blocks(EFI_BLOCK_IO* io, UINT32 media_id, EFI_LBA lba, UINTN size, void* out) {
  for (const auto& [handle, disk] : current->disks_) {
    if (&disk->io != io) continue;
    EXPECT_EQ(media_id, disk->media.MediaId);
    EXPECT_EQ(size % disk->media.BlockSize, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(out) % std::max(disk->media.IoAlign, 1u), 0u);
    if (failed(current->disk_status)) return current->disk_status;
    std::memcpy(out, disk->contents.data() + lba * disk->media.BlockSize, size);
    return EFI_SUCCESS;
  }
  return EFI_DEVICE_ERROR;
}

void MockFirmware::add_file_functions(OpenFile& file) {
  file.protocol.Open = open_file;
  file.protocol.Close = close_file;
  file.protocol.Read = read_file;
  file.protocol.GetInfo = file_info;
  ++open_files;
}

EFI_STATUS EFIAPI MockFirmware::open_volume(EFI_FILE_IO_INTERFACE*, EFI_FILE_HANDLE* out) {
  if (failed(current->volume_status)) return current->volume_status;
  auto* const root = new OpenFile();
  current->add_file_functions(*root);
  *out = &root->protocol;
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::open_file(EFI_FILE_HANDLE, EFI_FILE_HANDLE* out, CHAR16* name, UINT64 mode, UINT64) {
  EXPECT_EQ(mode, EFI_FILE_MODE_READ) << "nothing is ever written";
  const auto found = current->files.find(text_of(name));
  auto file = std::make_unique<OpenFile>();
  if (found == current->files.end()) {
    std::u16string folder = text_of(name);
    if (!folder.ends_with(u'\\')) folder += u'\\';
    for (auto& [path, one] : current->files)
      if (path.starts_with(folder) && path.find(u'\\', folder.size()) == std::u16string::npos)
        file->entries.emplace_back(path.substr(folder.size()), &one);
    if (file->entries.empty()) return EFI_NOT_FOUND;
  } else {
    if (failed(found->second.open_status)) return found->second.open_status;
    file->file = &found->second;
  }
  current->add_file_functions(*file);
  *out = &file.release()->protocol;
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::close_file(EFI_FILE_HANDLE handle) {
  delete reinterpret_cast<OpenFile*>(handle);
  --current->open_files;
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::read_file(EFI_FILE_HANDLE handle, UINTN* size, void* out) {
  auto& open = *reinterpret_cast<OpenFile*>(handle);
  if (open.file == nullptr) return read_entry(open, size, out);
  if (failed(open.file->read_status)) return open.file->read_status;
  const std::string_view rest = std::string_view(open.file->contents).substr(open.position);
  *size = std::min({*size, rest.size(), open.file->read_at_most});
  std::memcpy(out, rest.data(), *size);
  open.position += *size;
  return EFI_SUCCESS;
}

EFI_STATUS EFIAPI MockFirmware::file_info(EFI_FILE_HANDLE handle, EFI_GUID* type, UINTN* size, void* out) {
  EXPECT_EQ(key_of(*type), key_of(kFileInfo));
  const auto& open = *reinterpret_cast<OpenFile*>(handle);
  EXPECT_GE(*size, sizeof(EFI_FILE_INFO) + 512);
  const EFI_FILE_INFO info = info_of(open);
  std::memcpy(out, &info, sizeof(info));
  return EFI_SUCCESS;
}

EFI_FILE_INFO MockFirmware::info_of(const OpenFile& open) {
  EFI_FILE_INFO info{};
  info.Size = sizeof(info);
  if (open.file != nullptr) info.FileSize = open.file->claimed_size.value_or(open.file->contents.size());
  info.Attribute = open.file == nullptr || open.file->directory ? EFI_FILE_DIRECTORY : EFI_FILE_ARCHIVE;
  return info;
}

EFI_STATUS MockFirmware::read_entry(OpenFile& open, UINTN* size, void* out) {
  if (open.position == open.entries.size()) {
    *size = 0;
    return EFI_SUCCESS;
  }
  const auto& [name, file] = open.entries[open.position];
  if (failed(file->open_status)) return file->open_status;
  OpenFile one;
  one.file = file;
  const EFI_FILE_INFO info = info_of(one);
  const std::size_t needed = offsetof(EFI_FILE_INFO, FileName) + 2 * (name.size() + 1);
  if (*size < needed) {
    *size = needed;
    return EFI_BUFFER_TOO_SMALL;
  }
  ++open.position;
  *size = needed;
  std::memset(out, 0, needed);
  std::memcpy(out, &info, offsetof(EFI_FILE_INFO, FileName));
  std::memcpy(static_cast<std::byte*>(out) + offsetof(EFI_FILE_INFO, FileName), name.data(), 2 * name.size());
  return EFI_SUCCESS;
}

}  // namespace vhdboot::efi::test
