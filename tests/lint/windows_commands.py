# SPDX-License-Identifier: GPL-2.0-or-later
"""What tools/windows/vhdboot.ps1 uses of Windows, and the page that says that it is there and is spelled so.

The script cannot be run where it is tested. So everything in it that is not its own has a line here, and
tests/lint/windows_script_test.py fails when one of both knows more than the other.
"""

LEARN = "https://learn.microsoft.com/"
POWERSHELL = LEARN + "powershell/module/"
UTILITY = POWERSHELL + "microsoft.powershell.utility/"
MANAGEMENT = POWERSHELL + "microsoft.powershell.management/"
CORE = POWERSHELL + "microsoft.powershell.core/"
TASKS = POWERSHELL + "scheduledtasks/"
COMMANDS = LEARN + "windows-server/administration/windows-commands/"
BCDEDIT = LEARN + "windows-hardware/drivers/devtest/bcdedit--"
DOTNET = LEARN + "dotnet/api/"

# A cmdlet, its parameters that are used, its page.
CMDLETS = {
    "Add-Type": ({"TypeDefinition"}, UTILITY + "add-type"),
    "Confirm-SecureBootUEFI": (set(), POWERSHELL + "secureboot/confirm-securebootuefi"),
    "Convert-VHD": ({"Path", "DestinationPath", "VHDType", "Confirm", "ErrorAction"}, POWERSHELL + "hyper-v/convert-vhd"),
    "Get-ChildItem": ({"LiteralPath", "File", "Force"}, MANAGEMENT + "get-childitem"),
    "Get-CimInstance": ({"ClassName", "Namespace", "Filter"}, POWERSHELL + "cimcmdlets/get-ciminstance"),
    "Get-Command": ({"Name", "ErrorAction"}, CORE + "get-command"),
    "Get-Disk": ({"Number", "ErrorAction"}, POWERSHELL + "storage/get-disk"),
    "Get-FileHash": ({"LiteralPath", "Algorithm", "ErrorAction"}, UTILITY + "get-filehash"),
    "Get-Partition": ({"ErrorAction"}, POWERSHELL + "storage/get-partition"),
    "Get-ScheduledTask": ({"TaskName", "TaskPath", "ErrorAction"}, TASKS + "get-scheduledtask"),
    "Get-VHD": ({"Path", "ErrorAction"}, POWERSHELL + "hyper-v/get-vhd"),
    "Invoke-CimMethod": ({"InputObject", "ClassName", "MethodName", "Arguments", "Confirm"},
                         POWERSHELL + "cimcmdlets/invoke-cimmethod"),
    "Join-Path": ({"Path", "ChildPath"}, MANAGEMENT + "join-path"),
    "New-Object": ({"TypeName", "ArgumentList"}, UTILITY + "new-object"),
    "New-ScheduledTaskAction": ({"Execute", "Argument", "ErrorAction"}, TASKS + "new-scheduledtaskaction"),
    "New-ScheduledTaskPrincipal": ({"UserId", "LogonType", "RunLevel", "ErrorAction"}, TASKS + "new-scheduledtaskprincipal"),
    "New-ScheduledTaskSettingsSet": ({"AllowStartIfOnBatteries", "DontStopIfGoingOnBatteries", "ErrorAction"},
                                     TASKS + "new-scheduledtasksettingsset"),
    "New-ScheduledTaskTrigger": ({"Once", "At", "ErrorAction"}, TASKS + "new-scheduledtasktrigger"),
    "Out-Null": (set(), CORE + "out-null"),
    "Register-ScheduledTask": ({"TaskName", "TaskPath", "Description", "Action", "Trigger", "Principal", "Settings", "ErrorAction"},
                               TASKS + "register-scheduledtask"),
    "Set-StrictMode": ({"Version"}, CORE + "set-strictmode"),
    "Unregister-ScheduledTask": ({"TaskName", "TaskPath", "Confirm", "ErrorAction"}, TASKS + "unregister-scheduledtask"),
    "Where-Object": ({"FilterScript"}, CORE + "where-object"),
    "Write-Host": ({"Object"}, UTILITY + "write-host"),
    "Write-Progress": ({"Activity", "Status", "PercentComplete", "Completed"}, UTILITY + "write-progress"),
}

# Cmdlets that are functions of a module, or of a part of Windows that may be missing: the script's own preference for errors
# is not theirs (about_Preference_Variables), so each call says what is to happen.
TOLD_OF_ERRORS = {
    "Convert-VHD", "Get-Command", "Get-Disk", "Get-FileHash", "Get-Partition", "Get-ScheduledTask", "Get-VHD", "New-ScheduledTaskAction",
    "New-ScheduledTaskPrincipal", "New-ScheduledTaskSettingsSet", "New-ScheduledTaskTrigger", "Register-ScheduledTask",
    "Unregister-ScheduledTask",
}

# The static members of a type of .NET's, and the page of the type.
STATIC = {
    "Microsoft.Win32.Registry": ({"GetValue"}, DOTNET + "microsoft.win32.registry"),
    "System.Console": ({"Error"}, DOTNET + "system.console"),
    "System.DateTime": ({"MinValue", "Now", "TryParseExact", "UtcNow"}, DOTNET + "system.datetime"),
    "System.Environment": ({"Is64BitProcess"}, DOTNET + "system.environment"),
    "System.Globalization.CultureInfo": ({"InvariantCulture"}, DOTNET + "system.globalization.cultureinfo"),
    "System.Globalization.DateTimeStyles": ({"None"}, DOTNET + "system.globalization.datetimestyles"),
    "System.Guid": ({"NewGuid"}, DOTNET + "system.guid"),
    "System.IO.Directory": ({"Exists", "GetFiles"}, DOTNET + "system.io.directory"),
    "System.IO.File": ({"Copy", "Delete", "Exists", "GetAttributes", "Move", "Open", "ReadAllBytes"},
                       DOTNET + "system.io.file"),
    "System.IO.Path": ({"ChangeExtension", "GetDirectoryName", "GetExtension", "GetFullPath"}, DOTNET + "system.io.path"),
    "System.Math": ({"Floor", "Max", "Round"}, DOTNET + "system.math"),
    "System.Security.Principal.WindowsBuiltInRole": ({"Administrator"},
                                                     DOTNET + "system.security.principal.windowsbuiltinrole"),
    "System.Security.Principal.WindowsIdentity": ({"GetCurrent"}, DOTNET + "system.security.principal.windowsidentity"),
    "System.StringComparison": ({"Ordinal", "OrdinalIgnoreCase"}, DOTNET + "system.stringcomparison"),
    "System.Text.Encoding": ({"GetEncoding"}, DOTNET + "system.text.encoding"),
    "regex": ({"Escape", "Matches"}, DOTNET + "system.text.regularexpressions.regex"),
}

# What stands behind a dot: of objects of .NET's, of PowerShell's and of WMI's, and the page of the class.
MEMBERS = {
    "System.Collections.Generic.List": ({"Add", "Clear"}, DOTNET + "system.collections.generic.list-1"),
    "System.Collections.Hashtable": ({"ContainsKey"}, DOTNET + "system.collections.hashtable"),
    "System.Array and collections": ({"Count", "Length"}, DOTNET + "system.array"),
    "System.Exception": ({"GetBaseException", "Message"}, DOTNET + "system.exception"),
    "System.Guid": ({"ToByteArray"}, DOTNET + "system.guid"),
    "System.IO.FileStream": ({"Dispose", "Flush", "SafeFileHandle", "Seek", "SetLength", "Write"}, DOTNET + "system.io.filestream"),
    "System.IO.FileSystemInfo": ({"Extension", "FullName"}, DOTNET + "system.io.filesysteminfo"),
    "System.IO.TextWriter": ({"WriteLine"}, DOTNET + "system.io.textwriter"),
    "System.Management.Automation.ErrorRecord": ({"Exception"}, DOTNET + "system.management.automation.errorrecord"),
    "System.Management.Automation.EngineIntrinsics": ({"SessionState"}, DOTNET + "system.management.automation.engineintrinsics"),
    "System.Management.Automation.SessionState": ({"LanguageMode", "Path"}, DOTNET + "system.management.automation.sessionstate"),
    "System.Management.Automation.PathIntrinsics": (
        {"GetUnresolvedProviderPathFromPSPath"}, DOTNET + "system.management.automation.pathintrinsics"),
    "System.Management.Automation.Cmdlet": ({"ShouldProcess"}, DOTNET + "system.management.automation.cmdlet.shouldprocess"),
    "System.Security.Principal.WindowsPrincipal": ({"IsInRole"}, DOTNET + "system.security.principal.windowsprincipal"),
    "System.String": ({"IndexOf", "StartsWith", "Substring", "ToUpperInvariant", "Trim"}, DOTNET + "system.string"),
    "System.Text.Encoding": ({"GetString"}, DOTNET + "system.text.encoding"),
    "System.TimeSpan": ({"TotalSeconds"}, DOTNET + "system.timespan"),
    "Microsoft.Management.Infrastructure.CimInstance": (
        {"CimInstanceProperties"}, DOTNET + "microsoft.management.infrastructure.ciminstance"),
    "Microsoft.Management.Infrastructure.CimProperty": ({"Value"}, DOTNET + "microsoft.management.infrastructure.cimproperty"),
    "what Get-FileHash gives": ({"Hash"}, UTILITY + "get-filehash"),
    # The page names the class, and none tells its properties.
    "what Get-VHD gives": ({"Size"}, POWERSHELL + "hyper-v/get-vhd"),
    "what Get-ScheduledTask gives": ({"Actions", "Triggers"}, LEARN + "windows/win32/taskschd/registeredtask-definition"),
    "the action of a task": ({"Execute", "Arguments"}, TASKS + "new-scheduledtaskaction"),
    "the trigger of a task": ({"StartBoundary"}, LEARN + "windows/win32/taskschd/trigger-startboundary"),
    "Win32_Volume": ({"DirtyBitSet", "FileSystem", "FreeSpace"}, LEARN + "previous-versions/windows/desktop/vdswmi/win32-volume"),
    "Win32_EncryptableVolume.GetConversionStatus": (
        {"ReturnValue", "ConversionStatus"}, LEARN + "windows/win32/secprov/getconversionstatus-win32-encryptablevolume"),
    "Win32_ShadowCopy.Create": (
        {"ShadowID"}, LEARN + "previous-versions/windows/desktop/vsswmi/create-method-in-class-win32-shadowcopy"),
    "MSFT_Partition": ({"DiskNumber", "DriveLetter"}, LEARN + "windows-hardware/drivers/storage/msft-partition"),
    "of the script itself": ({"Grade", "Text"}, LEARN + "powershell/module/microsoft.powershell.core/about/about_pscustomobject"),
}

# A WMI class, what is used of it as text, its page.
WMI = {
    "Win32_Volume": ({"DriveLetter = "}, LEARN + "previous-versions/windows/desktop/vdswmi/win32-volume"),
    "Win32_EncryptableVolume": ({"root/cimv2/Security/MicrosoftVolumeEncryption", "GetConversionStatus", "PrecisionFactor"},
                                LEARN + "windows/win32/secprov/win32-encryptablevolume"),
    "Win32_ShadowCopy": ({"Create", "Volume", "Context", "ClientAccessible"},
                         LEARN + "previous-versions/windows/desktop/vsswmi/win32-shadowcopy"),
}
WMI_TEXTS = {
    "BusType": LEARN + "windows-hardware/drivers/storage/msft-disk",
    "GptType": LEARN + "windows-hardware/drivers/storage/msft-partition",
    "MbrType": LEARN + "windows-hardware/drivers/storage/msft-partition",
    "*af9b60a0-1431-4f62-bc68-3311714a69ad*": LEARN + "windows-hardware/drivers/storage/msft-partition",
    "S-1-5-18": LEARN + "windows-server/identity/ad-ds/manage/understand-security-identifiers",
}

# A type that is cast to, tested for or made, besides those with static members. VhdbootFile is in the script.
TYPES = {
    "bool", "byte[]", "double", "int", "long", "object", "pscustomobject", "ref", "string", "string[]", "switch", "type", "uint32",
    "CmdletBinding", "Parameter", "System.DateTime", "System.Management.Automation.ErrorRecord", "VhdbootFile",
    "System.Collections.Generic.List[object]", "System.IO.FileInfo", "System.Security.Principal.WindowsPrincipal",
}

# A program that the script starts, its words, and its page. {fwbootmgr} is on none of Microsoft's pages as the object of
# bootsequence; the element is (BcdBootMgrObjectList_BootSequence), and many public scripts write it so.
PROGRAMS = {
    "bcdedit.exe": ({"/enum", "firmware", "{fwbootmgr}", "/set", "bootsequence", "/deletevalue"}, BCDEDIT + "set"),
    "shutdown.exe": ({"/r", "/fw", "/t", "60", "300", "/c"}, COMMANDS + "shutdown"),
    "cmd.exe": ({"/d", "/s", "/c"}, COMMANDS + "cmd"),
}

# What is told to people to type: the beginning of the line, and its page.
ADVICE = {
    "bcdedit /enum '{fwbootmgr}'": BCDEDIT + "enum",
    "chkdsk ${Letter}: /f": COMMANDS + "chkdsk",
    "cipher /d": COMMANDS + "cipher",
    "compact /u": COMMANDS + "compact",
    "fsutil dirty query ${Letter}:": COMMANDS + "fsutil-dirty",
    "fsutil sparse setflag": COMMANDS + "fsutil-sparse",
    "manage-bde -off ${Letter}:": COMMANDS + "manage-bde-off",
    "manage-bde -status ${Letter}:": COMMANDS + "manage-bde-status",
    "powercfg /hibernate off": LEARN + "windows-hardware/design/device-experiences/powercfg-command-line-options",
    "qemu-img convert -p -S 0 -O raw": "https://www.qemu.org/docs/master/tools/qemu-img.html",
    "shutdown /a": COMMANDS + "shutdown",
}

# Control codes and errors of the C# part: number, page.
NUMBERS = {
    "0x00090073": LEARN + "windows/win32/api/winioctl/ni-winioctl-fsctl_get_retrieval_pointers",
    "0x00090284": LEARN + "windows-hardware/drivers/ddi/ntifs/ni-ntifs-fsctl_query_file_regions",
    "InvalidFunction = 1, HandleEof = 38, NotSupported = 50, InvalidParameter = 87, MoreData = 234":
        LEARN + "windows/win32/debug/system-error-codes--0-499-",
}
