// SPDX-License-Identifier: GPL-2.0-or-later
// A firmware for tests: its tables, handles with protocols, memory, a console with a keyboard, a clock that only moves
// when somebody waits, disks and file systems.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/efi/device_paths.h"
// The firmware's macros come after the standard library's headers.
#include "efi/uefi.h"

namespace vhdboot::efi::test {

/// ResetSystem does not return: the test sees it as this.
struct Reset {
  EFI_RESET_TYPE type;
  double at_second;
};

/// The kernel took over: StartImage does not return either.
struct KernelRuns {};

struct Key {
  double at_second;
  bool is_character = true;  ///< false: the event fires, but there is no key to read (a modifier)
  UINT16 scan_code = 0;
  CHAR16 character = u'x';
};

struct MockFile {
  std::string contents;
  bool directory = false;
  EFI_STATUS open_status = EFI_SUCCESS;
  EFI_STATUS read_status = EFI_SUCCESS;
  std::size_t read_at_most = ~std::size_t{0};  ///< a Read may give less than was asked for
  std::optional<UINT64> claimed_size;
};

class MockFirmware {
 public:
  MockFirmware();
  ~MockFirmware();
  MockFirmware(const MockFirmware&) = delete;
  MockFirmware& operator=(const MockFirmware&) = delete;

  EFI_SYSTEM_TABLE table{};

  // ---- handles
  EFI_HANDLE add_handle();
  void install(EFI_HANDLE handle, const Guid& protocol, void* interface);
  [[nodiscard]] void* interface(EFI_HANDLE handle, const Guid& protocol) const;
  /// Gives a handle a device path, which is copied; the end node is added.
  void set_device_path(EFI_HANDLE handle, Buffer path, const Guid& protocol = kDevicePath);
  /// Keeps a device path alive, with its end node.
  EFI_DEVICE_PATH* keep_path(Buffer path);

  // ---- what the kernel's own EFI stub does
  /// Asks for the initramfs as Linux does; nothing when nobody offers one.
  [[nodiscard]] std::optional<std::string> ask_for_initrd();

  // ---- disks and file systems
  void add_disk(EFI_HANDLE handle, std::string contents, UINT32 block_size = 512);
  EFI_BLOCK_IO_MEDIA& media(EFI_HANDLE handle) { return disks_.at(handle)->media; }
  EFI_STATUS disk_status = EFI_SUCCESS;
  void add_file_system(EFI_HANDLE handle);
  std::map<std::u16string, MockFile>
      files;  ///< on all file systems, by the exact name; folders are there by themselves
  EFI_STATUS volume_status = EFI_SUCCESS;

  // ---- console and time
  void remove_console() { table.ConOut = nullptr; }
  void remove_keyboard() { table.ConIn = nullptr; }
  std::string screen;  ///< all that was printed since the screen was last cleared, as UTF-8
  std::string before_clear;
  UINTN columns = 80;
  /// A boot menu left the screen in a mode in which nothing is shown until the text mode changes.
  bool graphics = false;
  INT32 text_modes = 3;  ///< number 1 of them is not supported, as on many machines
  INT32& text_mode() { return mode_.Mode; }
  std::vector<Key> keys;
  double now = 0;
  bool timers_work = true;
  std::vector<UINTN> watchdog;  ///< every time-out that was set

  // ---- variables
  std::map<std::u16string, std::string> variables;     ///< by name, whatever the GUID
  std::map<std::u16string, UINT32> attributes;         ///< of those that were set, by name
  std::map<std::u16string, EFI_STATUS> read_statuses;  ///< what GetVariable answers instead, by name; u"": for all
  EFI_STATUS write_status = EFI_SUCCESS;
  bool keeps_variables = false;       ///< says that one is removed, and does not do it
  std::vector<std::u16string> wrote;  ///< the names given to SetVariable

  // ---- images
  EFI_STATUS load_status = EFI_SUCCESS;
  bool load_leaves_handle = false;         ///< an image handle in spite of load_status
  std::string loaded;                      ///< the source buffer of the last LoadImage
  std::string options;                     ///< the load options of the image that was started, raw
  std::function<void()> on_start;          ///< runs inside StartImage
  std::optional<EFI_STATUS> start_status;  ///< what StartImage returns; nothing: the kernel takes over
  int loaded_images = 0;                   ///< that were loaded and are neither started nor unloaded

  // ---- memory
  std::size_t fail_pool_after = ~std::size_t{0};  ///< so many allocations work
  [[nodiscard]] std::size_t allocations() const { return pool_.size() + pages_; }
  [[nodiscard]] std::size_t open_events() const { return timers_.size(); }
  int open_files = 0;

 private:
  struct Disk {
    EFI_BLOCK_IO io{};
    EFI_BLOCK_IO_MEDIA media{};
    std::string contents;
  };
  struct OpenFile {
    EFI_FILE_PROTOCOL protocol{};
    MockFile* file = nullptr;                                   ///< null: a folder
    std::vector<std::pair<std::u16string, MockFile*>> entries;  ///< of a folder
    std::size_t position = 0;
  };

  static MockFirmware* current;

  static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE, EFI_GUID*, void**);
  static EFI_STATUS EFIAPI locate_device_path(EFI_GUID*, EFI_DEVICE_PATH**, EFI_HANDLE*);
  static EFI_STATUS EFIAPI install_many(EFI_HANDLE*, ...);
  static EFI_STATUS EFIAPI uninstall_many(EFI_HANDLE, ...);
  static EFI_STATUS EFIAPI allocate_pool(EFI_MEMORY_TYPE, UINTN, void**);
  static EFI_STATUS EFIAPI free_pool(void*);
  static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE, EFI_MEMORY_TYPE, UINTN, EFI_PHYSICAL_ADDRESS*);
  static EFI_STATUS EFIAPI free_pages(EFI_PHYSICAL_ADDRESS, UINTN);
  static void EFIAPI copy_mem(void*, void*, UINTN);
  static void EFIAPI set_mem(void*, UINTN, UINT8);
  static EFI_STATUS EFIAPI create_event(UINT32, EFI_TPL, EFI_EVENT_NOTIFY, void*, EFI_EVENT*);
  static EFI_STATUS EFIAPI set_timer(EFI_EVENT, EFI_TIMER_DELAY, UINT64);
  static EFI_STATUS EFIAPI wait_for_event(UINTN, EFI_EVENT*, UINTN*);
  static EFI_STATUS EFIAPI close_event(EFI_EVENT);
  static EFI_STATUS EFIAPI stall(UINTN);
  static EFI_STATUS EFIAPI set_watchdog(UINTN, UINT64, UINTN, CHAR16*);
  static EFI_STATUS EFIAPI load_image(BOOLEAN, EFI_HANDLE, EFI_DEVICE_PATH*, void*, UINTN, EFI_HANDLE*);
  static EFI_STATUS EFIAPI start_image(EFI_HANDLE, UINTN*, CHAR16**);
  static EFI_STATUS EFIAPI unload_image(EFI_HANDLE);
  static EFI_STATUS EFIAPI reset_system(EFI_RESET_TYPE, EFI_STATUS, UINTN, CHAR16*);
  static EFI_STATUS EFIAPI get_variable(CHAR16*, EFI_GUID*, UINT32*, UINTN*, void*);
  static EFI_STATUS EFIAPI set_variable(CHAR16*, EFI_GUID*, UINT32, UINTN, void*);
  static EFI_STATUS EFIAPI reset_output(SIMPLE_TEXT_OUTPUT_INTERFACE*, BOOLEAN);
  static EFI_STATUS EFIAPI output_string(SIMPLE_TEXT_OUTPUT_INTERFACE*, CHAR16*);
  static EFI_STATUS EFIAPI set_mode(SIMPLE_TEXT_OUTPUT_INTERFACE*, UINTN);
  static EFI_STATUS EFIAPI query_mode(SIMPLE_TEXT_OUTPUT_INTERFACE*, UINTN, UINTN*, UINTN*);
  static EFI_STATUS EFIAPI set_attribute(SIMPLE_TEXT_OUTPUT_INTERFACE*, UINTN);
  static EFI_STATUS EFIAPI clear_screen(SIMPLE_TEXT_OUTPUT_INTERFACE*);
  static EFI_STATUS EFIAPI enable_cursor(SIMPLE_TEXT_OUTPUT_INTERFACE*, BOOLEAN);
  static EFI_STATUS EFIAPI read_key(SIMPLE_INPUT_INTERFACE*, EFI_INPUT_KEY*);
  static EFI_STATUS EFIAPI read_blocks(EFI_BLOCK_IO*, UINT32, EFI_LBA, UINTN, void*);
  static EFI_STATUS EFIAPI open_volume(EFI_FILE_IO_INTERFACE*, EFI_FILE_HANDLE*);
  static EFI_STATUS EFIAPI open_file(EFI_FILE_HANDLE, EFI_FILE_HANDLE*, CHAR16*, UINT64, UINT64);
  static EFI_STATUS EFIAPI close_file(EFI_FILE_HANDLE);
  static EFI_STATUS EFIAPI read_file(EFI_FILE_HANDLE, UINTN*, void*);
  static EFI_STATUS EFIAPI file_info(EFI_FILE_HANDLE, EFI_GUID*, UINTN*, void*);

  static EFI_STATUS read_entry(OpenFile& open, UINTN* size, void* out);
  static EFI_FILE_INFO info_of(const OpenFile& open);
  void add_file_functions(OpenFile& file);

  EFI_BOOT_SERVICES boot_{};
  EFI_RUNTIME_SERVICES runtime_{};
  SIMPLE_TEXT_OUTPUT_INTERFACE out_{};
  SIMPLE_TEXT_OUTPUT_MODE mode_{};
  SIMPLE_INPUT_INTERFACE in_{};
  EFI_FILE_IO_INTERFACE volume_{};
  EFI_LOADED_IMAGE kernel_{};

  UINTN next_handle_ = 1;
  std::map<EFI_HANDLE, std::map<std::string, void*>> protocols_;
  std::vector<std::unique_ptr<Buffer>> paths_;
  std::map<EFI_HANDLE, std::unique_ptr<Disk>> disks_;
  std::map<void*, std::unique_ptr<std::byte[]>> pool_;
  std::size_t pages_ = 0;
  std::map<EFI_EVENT, std::optional<double>> timers_;
  std::u16string out_units_;
};

}  // namespace vhdboot::efi::test
