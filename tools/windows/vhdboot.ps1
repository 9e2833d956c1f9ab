# SPDX-License-Identifier: GPL-2.0-or-later
# What vhdboot needs of a Windows: image files are looked at, made, converted and installed, and the next start is chosen.
# For Windows PowerShell 5.1, as administrator; nothing is installed. docs/windows-script.md tells of each command, and
# what of all this was never tried. Exit codes: 0 done, 1 failed, 2 wrong command line, 3 refused, 4 done with warnings.
#Requires -Version 5.1
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High', PositionalBinding = $false)]
param(
    [Parameter(Position = 0)] [string] $Command = '',
    [Parameter(Position = 1)] [string] $Path = '',
    [string] $Destination = '',
    [int] $SizeGB = 0,
    [string] $Efi = '',
    [string] $Entry = '',
    [string] $At = '',
    [switch] $Firmware,
    [switch] $Restart,
    [switch] $Clear,
    [switch] $Cancel
)

Set-StrictMode -Version 3.0
# Not seen by cmdlets that are functions of a module, as those of Storage and ScheduledTasks: they are told each time.
$ErrorActionPreference = 'Stop'

if ($ExecutionContext.SessionState.LanguageMode -ne 'FullLanguage') {
    Write-Host -Object 'vhdboot.ps1: this Windows runs scripts in a restricted language only: a policy or Smart App Control does that; nothing was changed'
    exit 3
}

$Caller = $PSCmdlet
# -WhatIf is asked for here and nowhere else: cmdlets that only read, and load their modules, must not be told of it.
$Dry = [bool] $WhatIfPreference
$WhatIfPreference = $false
$Warned = $false
$Declined = $false
$Findings = New-Object -TypeName 'System.Collections.Generic.List[object]'
$TaskName = 'vhdboot-next'
$LargestGB = 2040
$MiB = [long] 1048576
$GiB = [long] 1073741824

$Usage = @'
vhdboot.ps1 check    IMAGE                       would it boot, as far as Windows can tell
vhdboot.ps1 new      IMAGE.vhd -SizeGB NUMBER    an empty VHD of fixed size, written in full
vhdboot.ps1 convert  IMAGE [-Destination FILE]   raw, VHDX or growing VHD to a VHD of fixed size
vhdboot.ps1 install  IMAGE [-Efi FILE]           vhdboot.efi beside the image, under its name
vhdboot.ps1 next     [-Entry ID [-Restart] | -Firmware | -Clear]
                                                 what the firmware starts next time; alone: lists the entries
vhdboot.ps1 snapshot DRIVE:                      a shadow copy, and what it does not protect
vhdboot.ps1 schedule [-At 'yyyy-MM-dd HH:mm' -Entry ID | -Cancel]
                                                 at that time into another system, once; alone: shows the task
With -WhatIf nothing is changed. With -Confirm:$false nothing is asked.
'@

# What reads and writes bytes. It is C#, since there are compilers of that where this script is tested.
$Source = @'
using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

public static class VhdbootFile
{
    const uint GetRetrievalPointers = 0x00090073;
    const uint QueryFileRegions = 0x00090284;
    const int InvalidFunction = 1, HandleEof = 38, NotSupported = 50, InvalidParameter = 87, MoreData = 234;

    [DllImport("kernel32.dll", SetLastError = true)]
    static extern bool DeviceIoControl(SafeFileHandle file, uint code, byte[] input, uint inputSize, byte[] output,
                                       uint outputSize, out uint returned, IntPtr overlapped);

    static int Ask(SafeFileHandle file, uint code, byte[] input, byte[] output)
    {
        uint returned;
        uint size = input == null ? 0u : (uint)input.Length;
        bool done = DeviceIoControl(file, code, input, size, output, (uint)output.Length, out returned, IntPtr.Zero);
        return done ? 0 : Marshal.GetLastWin32Error();
    }

    // Pieces, clusters that have a place, clusters that have none.
    public static long[] Pieces(SafeFileHandle file)
    {
        long[] totals = new long[3];
        long next = 0, end = -1;
        while (true)
        {
            byte[] output = new byte[65536];
            int error = Ask(file, GetRetrievalPointers, BitConverter.GetBytes(next), output);
            if (error == HandleEof) return totals;
            if (error != 0 && error != MoreData) throw new IOException("FSCTL_GET_RETRIEVAL_POINTERS ends with error " + error);
            long before = next;
            next = AddPieces(output, totals, ref end);
            if (error == 0 || next <= before) return totals;
        }
    }

    // Of one RETRIEVAL_POINTERS_BUFFER. Returns the cluster behind the last one.
    public static long AddPieces(byte[] output, long[] totals, ref long end)
    {
        uint count = BitConverter.ToUInt32(output, 0);
        long from = BitConverter.ToInt64(output, 8);
        for (uint i = 0; i < count; i++)
        {
            long next = BitConverter.ToInt64(output, (int)(16 + 16 * i));
            long place = BitConverter.ToInt64(output, (int)(24 + 16 * i));
            if (place == -1) { totals[2] += next - from; end = -1; }
            else
            {
                if (place != end) totals[0]++;
                totals[1] += next - from;
                end = place + (next - from);
            }
            from = next;
        }
        return from;
    }

    // Bytes; -1 when the file system does not tell it.
    public static long ValidData(SafeFileHandle file)
    {
        byte[] output = new byte[4096];
        int error = Ask(file, QueryFileRegions, null, output);
        if (error == InvalidFunction || error == NotSupported || error == InvalidParameter) return -1;
        if (error != 0) throw new IOException("FSCTL_QUERY_FILE_REGIONS ends with error " + error);
        return EndOfRegions(output);
    }

    // Of a FILE_REGION_OUTPUT: where the valid data that begins at 0 ends.
    public static long EndOfRegions(byte[] output)
    {
        uint count = BitConverter.ToUInt32(output, 8);
        long end = 0;
        for (uint i = 0; i < count; i++)
        {
            int at = (int)(16 + 24 * i);
            if (BitConverter.ToInt64(output, at) == end && BitConverter.ToUInt32(output, at + 16) != 0)
                end += BitConverter.ToInt64(output, at + 8);
        }
        return end;
    }

    public static byte[] Read(Stream stream, long offset, int count)
    {
        byte[] bytes = new byte[count];
        int done = 0;
        stream.Seek(offset, SeekOrigin.Begin);
        while (done < count)
        {
            int got = stream.Read(bytes, done, count - done);
            if (got == 0) break;
            done += got;
        }
        Array.Resize(ref bytes, done);
        return bytes;
    }

    static void Put(byte[] bytes, int offset, ulong value, int size)
    {
        for (int i = size - 1; i >= 0; i--, value >>= 8) bytes[offset + i] = (byte)(value & 0xFF);
    }

    static ulong Get(byte[] bytes, int offset, int size)
    {
        ulong value = 0;
        for (int i = 0; i < size; i++) value = (value << 8) | bytes[offset + i];
        return value;
    }

    static bool Has(byte[] bytes, int offset, string text)
    {
        byte[] wanted = Encoding.ASCII.GetBytes(text);
        if (bytes.Length < offset + wanted.Length) return false;
        for (int i = 0; i < wanted.Length; i++) if (bytes[offset + i] != wanted[i]) return false;
        return true;
    }

    static uint Checksum(byte[] footer)
    {
        uint sum = 0;
        for (int i = 0; i < 512; i++) if (i < 64 || i > 67) sum += footer[i];
        return ~sum;
    }

    // "Hard Disk Footer Format" and the appendix on geometry of the VHD specification 1.0. Seconds since 2000.
    public static byte[] Footer(long size, byte[] id, uint seconds)
    {
        byte[] footer = new byte[512];
        Encoding.ASCII.GetBytes("conectix").CopyTo(footer, 0);
        Put(footer, 8, 2, 4);
        Put(footer, 12, 0x00010000, 4);
        Put(footer, 16, ulong.MaxValue, 8);
        Put(footer, 24, seconds, 4);
        Encoding.ASCII.GetBytes("win ").CopyTo(footer, 28);
        Put(footer, 32, 0x000A0000, 4);
        Encoding.ASCII.GetBytes("Wi2k").CopyTo(footer, 36);
        Put(footer, 40, (ulong)size, 8);
        Put(footer, 48, (ulong)size, 8);
        long sectors = Math.Min(size / 512, 65535L * 16 * 255);
        long track = 255, heads = 16, tracks = sectors / track;
        if (sectors < 65535L * 16 * 63)
        {
            track = 17;
            tracks = sectors / track;
            heads = Math.Max(4, (tracks + 1023) / 1024);
            if (tracks >= heads * 1024 || heads > 16) { track = 31; heads = 16; tracks = sectors / track; }
            if (tracks >= heads * 1024) { track = 63; heads = 16; tracks = sectors / track; }
        }
        Put(footer, 56, (ulong)(tracks / heads), 2);
        Put(footer, 58, (ulong)heads, 1);
        Put(footer, 59, (ulong)track, 1);
        Put(footer, 60, 2, 4);
        id.CopyTo(footer, 68);
        Put(footer, 64, Checksum(footer), 4);
        return footer;
    }

    public static bool HasFooter(byte[] sector)
    {
        return sector.Length == 512 && Has(sector, 0, "conectix");
    }

    // What is wrong with the last sector of a VHD of fixed size; an empty text when nothing is.
    public static string FooterFault(byte[] sector, long fileSize)
    {
        ulong type = Get(sector, 60, 4), size = Get(sector, 48, 8);
        if (Get(sector, 64, 4) != Checksum(sector)) return "its footer has a wrong checksum";
        if (Get(sector, 12, 4) != 0x00010000) return "its footer has an unknown version";
        if (type == 4) return "it is a differencing VHD";
        if (type != 2) return "it is a VHD of the type " + type + ", and not of fixed size";
        if (sector[84] != 0) return "it has the saved state of a virtual machine";
        if (size != (ulong)(fileSize - 512)) return "its footer names a disk of " + size + " bytes, and the file holds " + (fileSize - 512);
        return "";
    }

    // What the file is besides a raw disk or a VHD of fixed size; an empty text when it is none of those.
    public static string Foreign(byte[] head)
    {
        if (Has(head, 0, "vhdxfile")) return "VHDX";
        if (Has(head, 0, "conectix")) return "growing VHD";
        if (Has(head, 0, "QFI") && head.Length > 3 && head[3] == 0xFB) return "qcow2";
        if (Has(head, 0, "KDMV") || Has(head, 0, "# Disk DescriptorFile")) return "VMDK";
        if (head.Length > 67 && Get(head, 64, 4) == 0x7F10DABE) return "VDI";
        return "";
    }

    // A partition table, or a file system of Linux' in the whole file.
    public static bool LooksLikeDisk(byte[] head)
    {
        if (head.Length < 66048) return false;
        return (head[510] == 0x55 && head[511] == 0xAA) || (head[1080] == 0x53 && head[1081] == 0xEF) ||
               Has(head, 0, "XFSB") || Has(head, 65600, "_BHRfS_M");
    }
}
'@

# --- what is said

function Write-Line([string] $Text) {
    Write-Host -Object $Text
}

function Write-Fault([string] $Text) {
    [System.Console]::Error.WriteLine("vhdboot.ps1: $Text")
}

function Stop-Usage([string] $Text) {
    Write-Fault $Text
    Write-Fault 'say "vhdboot.ps1 help" for what there is'
    exit 2
}

function Stop-Refused([string] $Text) {
    Write-Fault $Text
    exit 3
}

function Get-Reason([System.Management.Automation.ErrorRecord] $Fault) {
    return $Fault.Exception.GetBaseException().Message
}

function Format-Size([long] $Bytes) {
    return [string] [System.Math]::Round([double] $Bytes / $GiB, 1) + ' GiB'
}

function Add-Finding([string] $Grade, [string] $Text) {
    $script:Findings.Add([pscustomobject] @{ Grade = $Grade; Text = $Text })
}

# Shows what was found, all of it or only what is not in order. Ends here when something stands in the way.
function Complete-Check([bool] $All, [string] $Ending) {
    $wrong = 0
    foreach ($finding in $script:Findings) {
        if ($finding.Grade -eq 'no') { $wrong++ }
        if ($finding.Grade -eq 'care') { $script:Warned = $true }
        if ($All -or $finding.Grade -ne 'ok') { Write-Line ('{0,-5} {1}' -f $finding.Grade, $finding.Text) }
    }
    $script:Findings.Clear()
    if ($wrong -gt 0) { Stop-Refused "the lines that begin with `"no`" stand in the way; $Ending" }
}

# Whether a change may be made: not with -WhatIf, and not when the answer to the question is no.
function Approve-Change([string] $Target, [string] $Action) {
    if ($script:Dry) {
        Write-Line "What if: $Action ($Target). Nothing was changed."
        return $false
    }
    if ($script:Caller.ShouldProcess($Target, $Action)) { return $true }
    Write-Line 'Nothing was changed.'
    $script:Declined = $true
    return $false
}

# --- what is asked of Windows

function Invoke-Tool([string] $Name, [string[]] $Arguments) {
    $tool = Join-Path -Path $env:SystemRoot -ChildPath "System32\$Name"
    $lines = @(& $tool $Arguments)
    if ($LASTEXITCODE -ne 0) {
        foreach ($line in $lines) { Write-Line $line }
        throw "$Name $($Arguments -join ' ') ended with $LASTEXITCODE"
    }
    return $lines
}

function Test-Session {
    if (-not [System.Environment]::Is64BitProcess) {
        Stop-Refused 'this is the 32-bit PowerShell; start the other one, "Windows PowerShell" without (x86)'
    }
    $user = New-Object -TypeName System.Security.Principal.WindowsPrincipal -ArgumentList ([System.Security.Principal.WindowsIdentity]::GetCurrent())
    if (-not $user.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)) {
        Stop-Refused 'this PowerShell has no rights of an administrator; start it by "Run as administrator"'
    }
}

# The full path of a file on a drive of this machine, whether it is there or not.
function Resolve-File([string] $Given, [string] $What) {
    if ($Given -eq '') { Stop-Usage "$What is missing" }
    $full = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Given)
    if ($full -notmatch '^[A-Za-z]:\\[^:]+$') {
        Stop-Refused "$Given is not a file on a drive with a letter; name it as D:\boot\debian.vhd"
    }
    $full = [System.IO.Path]::GetFullPath($full)
    $folder = [System.IO.Path]::GetDirectoryName($full)
    if (-not [System.IO.Directory]::Exists($folder)) { Stop-Refused "there is no folder $folder; make it, or correct the path" }
    while ($folder -and $folder.Length -gt 3) {
        if ([int] [System.IO.File]::GetAttributes($folder) -band 0x400) {
            Stop-Refused "$folder is a link, a mounted volume or a folder in the cloud; name the file by its real place"
        }
        $folder = [System.IO.Path]::GetDirectoryName($folder)
    }
    return $full
}

function Test-There([string] $File) {
    return ([System.IO.File]::Exists($File) -or [System.IO.Directory]::Exists($File))
}

function Resolve-Image([string] $Given) {
    $full = Resolve-File $Given 'the image file'
    if (-not [System.IO.File]::Exists($full)) { Stop-Refused "there is no file $full; correct the path" }
    return $full
}

function Test-Machine {
    if ($env:PROCESSOR_ARCHITECTURE -ne 'AMD64') {
        Add-Finding 'care' "this machine is $env:PROCESSOR_ARCHITECTURE; vhdboot.efi starts on x86-64 alone"
    }
    try {
        if (Confirm-SecureBootUEFI) {
            Add-Finding 'care' 'Secure Boot is on, and vhdboot.efi is not signed: turn it off, and read docs/windows.md about BitLocker before'
        } else {
            Add-Finding 'ok' 'Secure Boot is off'
        }
    } catch {
        Add-Finding 'care' "Windows does not tell the state of Secure Boot, as on a machine that starts without UEFI: $(Get-Reason $_)"
    }
    $power = 'HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Session Manager\Power'
    $fast = [int] [Microsoft.Win32.Registry]::GetValue($power, 'HiberbootEnabled', 1)
    if ([System.IO.Directory]::GetFiles("$env:SystemDrive\", 'hiberfil.sys').Length -eq 0) {
        Add-Finding 'ok' 'hibernation and Fast Startup are off'
    } elseif ($fast -ne 0) {
        Add-Finding 'care' 'Fast Startup is on: choose Restart and never Shut down before the image is booted, or turn it off by powercfg /hibernate off'
    } else {
        Add-Finding 'ok' 'Fast Startup is off; hibernation is possible: choose Restart or Shut down before the image is booted, not Hibernate'
    }
}

# The Win32_Volume with that letter, or nothing.
function Test-Volume([string] $Letter) {
    $volumes = @(Get-CimInstance -ClassName Win32_Volume -Filter "DriveLetter = '${Letter}:'")
    if ($volumes.Count -ne 1) {
        Add-Finding 'no' "${Letter}: is no volume of this machine: a network drive and a SUBST drive cannot be booted from"
        return $null
    }
    $volume = $volumes[0]
    if ($volume.FileSystem -eq 'NTFS' -or $volume.FileSystem -eq 'exFAT') {
        Add-Finding 'ok' "${Letter}: is $($volume.FileSystem)"
    } else {
        Add-Finding 'no' "${Letter}: is '$($volume.FileSystem)': keep the image on NTFS or exFAT"
    }
    if ($null -eq $volume.DirtyBitSet) {
        Add-Finding 'care' "Windows does not tell whether ${Letter}: is marked dirty: ask by fsutil dirty query ${Letter}:"
    } elseif ($volume.DirtyBitSet) {
        Add-Finding 'no' "${Letter}: is marked dirty: chkdsk ${Letter}: /f, then restart"
    } else {
        Add-Finding 'ok' "${Letter}: is not marked dirty"
    }
    Test-BitLocker $Letter
    Test-Disk $Letter
    return $volume
}

function Test-BitLocker([string] $Letter) {
    try {
        $known = @(Get-CimInstance -Namespace 'root/cimv2/Security/MicrosoftVolumeEncryption' -ClassName Win32_EncryptableVolume -Filter "DriveLetter = '${Letter}:'")
        if ($known.Count -eq 0) {
            Add-Finding 'ok' "BitLocker does not know ${Letter}:"
            return
        }
        $status = Invoke-CimMethod -InputObject $known[0] -MethodName GetConversionStatus -Arguments @{ PrecisionFactor = [uint32] 0 } -Confirm:$false
    } catch {
        Add-Finding 'care' "Windows does not tell whether BitLocker encrypts ${Letter}: (manage-bde -status ${Letter}: may): $(Get-Reason $_)"
        return
    }
    if ($status.ReturnValue -eq 0 -and $status.ConversionStatus -eq 0) {
        Add-Finding 'ok' "${Letter}: is not encrypted by BitLocker"
    } else {
        Add-Finding 'no' "${Letter}: is encrypted by BitLocker, in full or in part, also when that is suspended: use another volume, or manage-bde -off ${Letter}:"
    }
}

# Names of bus and partition types come as text that may be translated; so the numbers are read.
function Test-Disk([string] $Letter) {
    $partitions = @(Get-Partition -ErrorAction Stop | Where-Object -FilterScript { [string] $_.DriveLetter -eq $Letter })
    if ($partitions.Count -ne 1) {
        Add-Finding 'no' "${Letter}: is no plain partition of a disk (a dynamic disk, perhaps): keep the image on a basic disk"
        return
    }
    $type = [string] $partitions[0].CimInstanceProperties['GptType'].Value
    $oldType = [int] $partitions[0].CimInstanceProperties['MbrType'].Value
    if ($type -like '*af9b60a0-1431-4f62-bc68-3311714a69ad*' -or $oldType -eq 0x42) {
        Add-Finding 'no' "${Letter}: lies on a dynamic disk: keep the image on a basic disk"
        return
    }
    $disks = @(Get-Disk -Number $partitions[0].DiskNumber -ErrorAction Stop)
    $bus = [int] $disks[0].CimInstanceProperties['BusType'].Value
    if ($bus -eq 16) {
        Add-Finding 'no' "${Letter}: lies in Storage Spaces: keep the image on a plain disk"
    } elseif ($bus -eq 15) {
        Add-Finding 'no' "${Letter}: lies in an attached VHD or ISO: keep the image on a plain disk"
    } elseif ($bus -eq 9) {
        Add-Finding 'no' "${Letter}: lies on an iSCSI disk: keep the image on a disk of this machine"
    } else {
        Add-Finding 'ok' "${Letter}: is a partition of disk $($partitions[0].DiskNumber)"
    }
}

function Test-Attributes([string] $File) {
    $attributes = [int] [System.IO.File]::GetAttributes($File)
    $faults = @(
        @(0x200, "is marked as sparse: fsutil sparse setflag `"$File`" 0, and if that fails copy it to a new file"),
        @(0x800, "is compressed: compact /u `"$File`""),
        @(0x4000, "is encrypted: cipher /d `"$File`""),
        @(0x400, 'is a link, deduplicated, or kept in the cloud: copy it to a plain folder'),
        @(0x441000, 'is offline or kept in the cloud: copy it to a plain folder')
    )
    $fine = $true
    foreach ($fault in $faults) {
        if ($attributes -band $fault[0]) {
            Add-Finding 'no' "$File $($fault[1])"
            $fine = $false
        }
    }
    if ($fine) { Add-Finding 'ok' "$File is a plain file: not sparse, compressed, encrypted or elsewhere" }
}

# What the file holds, and where it lies. $Volume is its Win32_Volume; $Empty says that it is known to be empty.
function Test-Content([string] $File, [object] $Volume, [bool] $Empty) {
    try {
        $stream = [System.IO.File]::Open($File, 'Open', 'Read', 'ReadWrite')
    } catch {
        Add-Finding 'no' "$File cannot be read; detach it, shut its virtual machine down: $(Get-Reason $_)"
        return
    }
    try {
        $length = $stream.Length
        $head = [VhdbootFile]::Read($stream, 0, 66048)
        $tail = [VhdbootFile]::Read($stream, [System.Math]::Max([long] 0, $length - 512), 512)
        $foreign = [VhdbootFile]::Foreign($head)
        if ($length -lt $MiB) {
            Add-Finding 'no' "$File has only $length bytes"
        } elseif ($foreign -ne '') {
            Add-Finding 'no' "$File is a ${foreign}: vhdboot.ps1 convert makes a VHD of fixed size of it, or names the way"
        } elseif ([VhdbootFile]::HasFooter($tail)) {
            $fault = [VhdbootFile]::FooterFault($tail, $length)
            if ($fault -eq '') { Add-Finding 'ok' "$File is a VHD of fixed size, $(Format-Size $length)" }
            else { Add-Finding 'no' "${File}: $fault; docs/images.md has what helps" }
        } elseif ($length % 512 -ne 0) {
            Add-Finding 'no' "$File has $length bytes, which are no whole sectors: it was cut off, or is no disk"
        } elseif ($File -like '*.vhd') {
            Add-Finding 'care' "$File is a raw image and only called VHD: it boots, but Windows does not open it; vhdboot.ps1 convert adds the footer"
        } else {
            Add-Finding 'ok' "$File is a raw image, $(Format-Size $length)"
        }
        if ($foreign -eq '' -and -not $Empty -and -not [VhdbootFile]::LooksLikeDisk($head)) {
            Add-Finding 'care' "$File begins with no partition table and no file system of Linux: it is empty as yet, or no disk"
        }
        $pieces = [VhdbootFile]::Pieces($stream.SafeFileHandle)
        if ($pieces[2] -gt 0 -or $pieces[1] -eq 0) {
            Add-Finding 'no' "$File has holes, which have no place on the disk: copy it to a new file"
        } else {
            Add-Finding 'ok' "$File lies on the disk in $($pieces[0]) piece(s)"
        }
        $valid = [VhdbootFile]::ValidData($stream.SafeFileHandle)
        if ($valid -lt 0) {
            Add-Finding 'care' "$($Volume.FileSystem) does not tell up to where $File was written (valid data length): vhdboot looks at that when it boots"
        } elseif ($valid -lt $length) {
            Add-Finding 'no' "$File was written only up to byte $valid of ${length}: copy it to a new file"
        } else {
            Add-Finding 'ok' "$File was written up to its end"
        }
    } catch {
        Add-Finding 'care' "Windows does not tell all of ${File}: $(Get-Reason $_)"
    } finally {
        $stream.Dispose()
    }
}

function Test-Image([string] $File, [bool] $Empty) {
    $volume = Test-Volume $File.Substring(0, 1)
    Test-Attributes $File
    if ($null -ne $volume) { Test-Content $File $volume $Empty }
}

# Of a file that is not there yet: its name, its folder and the space.
function Test-Place([string] $File, [long] $Bytes) {
    if ($File -notlike '*.vhd') { Stop-Refused "$File does not end in .vhd; give it such a name" }
    if (Test-There $File) { Stop-Refused "$File is there already; choose another name, or move it away" }
    $volume = Test-Volume $File.Substring(0, 1)
    if ($null -ne $volume -and [long] $volume.FreeSpace -lt $Bytes) {
        Add-Finding 'no' "$($File.Substring(0, 2)) has $(Format-Size $volume.FreeSpace) free, and $(Format-Size $Bytes) are needed"
    }
    $folder = [System.IO.Path]::GetDirectoryName($File)
    $attributes = [int] [System.IO.File]::GetAttributes($folder)
    if ($attributes -band 0x800) { Add-Finding 'no' "$folder compresses its files: compact /u `"$folder`"" }
    if ($attributes -band 0x4000) { Add-Finding 'no' "$folder encrypts its files: cipher /d `"$folder`"" }
}

function New-Footer([long] $Size) {
    $seconds = [uint32] ([System.DateTime]::UtcNow - [System.DateTime] '2000-01-01').TotalSeconds
    return , [VhdbootFile]::Footer($Size, [System.Guid]::NewGuid().ToByteArray(), $seconds)
}

# --- the commands

function Invoke-Check {
    $file = Resolve-Image $Path
    Test-Machine
    Test-Image $file $false
    Complete-Check $true 'as it is the image would not boot'
}

# Not by diskpart: it is nowhere promised that a VHD of type=fixed is written up to its end, and what is not written has no
# contents on the disk. So the space is taken at once, which keeps it together, and each byte of it is written.
function Invoke-New {
    $file = Resolve-File $Path 'the name of the new VHD'
    if ($SizeGB -lt 1 -or $SizeGB -gt $LargestGB) { Stop-Usage "-SizeGB has to be 1 to $LargestGB" }
    $size = $SizeGB * $GiB
    Test-Place $file ($size + 512)
    Complete-Check $false 'nothing was changed'
    Write-Line "plan: $file, a VHD of fixed size of $SizeGB GiB; every byte of it is written, which takes its time"
    if (-not (Approve-Change $file "make an empty VHD of $SizeGB GiB")) { return }
    $stream = [System.IO.File]::Open($file, 'CreateNew', 'ReadWrite', 'None')
    $done = $false
    try {
        $stream.SetLength($size + 512)
        $zeros = New-Object -TypeName 'byte[]' -ArgumentList 4194304
        for ($offset = [long] 0; $offset -lt $size; $offset += $zeros.Length) {
            if ($offset % (256 * $MiB) -eq 0) {
                Write-Progress -Activity $file -Status "$([System.Math]::Floor([double] $offset / $GiB)) of $SizeGB GiB" -PercentComplete ([int] (100 * $offset / $size))
            }
            $stream.Write($zeros, 0, $zeros.Length)
        }
        $stream.Write((New-Footer $size), 0, 512)
        $stream.Flush($true)
        $done = $true
    } finally {
        $stream.Dispose()
        if (-not $done) { [System.IO.File]::Delete($file) }
        Write-Progress -Activity $file -Completed
    }
    Write-Line "$file is written; looking at it"
    Test-Image $file $true
    Complete-Check $true 'the new file is there, but as it is it would not boot'
}

function Invoke-Convert {
    $file = Resolve-Image $Path
    try {
        $stream = [System.IO.File]::Open($file, 'Open', 'Read', 'Read')
    } catch {
        Stop-Refused "$file cannot be read; detach it, shut its virtual machine down: $(Get-Reason $_)"
    }
    try {
        $length = $stream.Length
        $head = [VhdbootFile]::Read($stream, 0, 66048)
        $tail = [VhdbootFile]::Read($stream, [System.Math]::Max([long] 0, $length - 512), 512)
    } finally {
        $stream.Dispose()
    }
    $foreign = [VhdbootFile]::Foreign($head)
    if ($foreign -eq 'VHDX' -or $foreign -eq 'growing VHD') {
        Convert-Grown $file $foreign
    } elseif ($foreign -ne '') {
        Stop-Refused "$file is a ${foreign}, which Windows cannot convert; docs/images.md has the line of qemu-img or VBoxManage"
    } elseif ([VhdbootFile]::HasFooter($tail)) {
        $fault = [VhdbootFile]::FooterFault($tail, $length)
        if ($fault -ne '') { Stop-Refused "${file}: $fault; docs/images.md has what helps" }
        Write-Line "$file is a VHD of fixed size already; there is nothing to do"
    } else {
        if ($Destination -ne '') { Stop-Usage 'a raw image becomes a VHD where it lies, without -Destination' }
        if ($length -lt $MiB -or $length % 512 -ne 0 -or $length -gt $LargestGB * $GiB) {
            Stop-Refused "$file has $length bytes; a VHD holds whole sectors of 512 bytes, 1 MiB to $LargestGB GiB of them"
        }
        if (-not [VhdbootFile]::LooksLikeDisk($head)) {
            Stop-Refused "$file begins with no partition table and no file system of Linux; name the file of a disk"
        }
        Convert-Raw $file $length
    }
}

function Convert-Raw([string] $File, [long] $Length) {
    $target = [System.IO.Path]::ChangeExtension($File, '.vhd')
    $moves = $target -ne $File
    if ($moves -and (Test-There $target)) { Stop-Refused "$target is there already, and $File would get that name; move one of them away" }
    Test-Volume $File.Substring(0, 1) | Out-Null
    Test-Attributes $File
    Complete-Check $false 'nothing was changed'
    Write-Line "plan: 512 bytes are put behind the $Length bytes of $File; what it holds stays as it is"
    if ($moves) { Write-Line "plan: it is called $target then" }
    if (-not (Approve-Change $File 'make a VHD of fixed size of the raw image, in place')) { return }
    $stream = [System.IO.File]::Open($File, 'Open', 'ReadWrite', 'None')
    $begun = $false
    $done = $false
    try {
        if ($stream.Length -ne $Length) { throw "$File has changed meanwhile" }
        $null = $stream.Seek(0, 'End')
        $begun = $true
        $stream.Write((New-Footer $Length), 0, 512)
        $stream.Flush($true)
        $done = $true
    } finally {
        if ($begun -and -not $done) { $stream.SetLength($Length) }
        $stream.Dispose()
    }
    if ($moves) { [System.IO.File]::Move($File, $target) }
    Write-Line "$target is a VHD of fixed size; looking at it"
    Test-Image $target $false
    Complete-Check $true 'the new file is there, but as it is it would not boot'
}

function Convert-Grown([string] $File, [string] $Kind) {
    $target = $Destination
    if ($target -eq '') { $target = [System.IO.Path]::ChangeExtension($File, '.vhd') }
    $target = Resolve-File $target 'the destination'
    if ($target -eq $File) { Stop-Usage "the new VHD needs another name than ${File}: say -Destination" }
    if (-not (Get-Command -Name Convert-VHD -ErrorAction SilentlyContinue)) {
        $raw = [System.IO.Path]::ChangeExtension($target, '.img')
        Write-Line 'Windows converts it by Convert-VHD, a part of Hyper-V (in "Turn Windows features on or off"). Without that, by qemu-img:'
        Write-Line "  qemu-img convert -p -S 0 -O raw `"$File`" `"$raw`""
        Write-Line "  fsutil sparse setflag `"$raw`" 0"
        Write-Line "  vhdboot.ps1 convert `"$raw`""
        Write-Line 'Or by vhdtool and raw2vhd, in WSL or on any Linux: docs/images.md.'
        Stop-Refused "$File is a $Kind, and this Windows has no Convert-VHD; nothing was changed"
    }
    $size = [long] (Get-VHD -Path $File -ErrorAction Stop).Size
    if ($size -gt $LargestGB * $GiB) { Stop-Refused "$File holds a disk of $(Format-Size $size), and a VHD can hold $LargestGB; convert it to a raw image by qemu-img" }
    Test-Place $target ($size + 512)
    Complete-Check $false 'nothing was changed'
    Write-Line "plan: $target, a VHD of fixed size of $(Format-Size $size), by Convert-VHD; $File stays as it is"
    if (-not (Approve-Change $target "convert $File")) { return }
    Convert-VHD -Path $File -DestinationPath $target -VHDType Fixed -Confirm:$false -ErrorAction Stop
    Write-Line "$target is written; looking at it"
    Test-Image $target $false
    Complete-Check $true 'the new file is there, but as it is it would not boot'
}

# The version in an EFI file of vhdboot's; an empty text when it is none.
function Get-EfiVersion([string] $File) {
    $text = [System.Text.Encoding]::GetEncoding(28591).GetString([System.IO.File]::ReadAllBytes($File))
    if ($text.StartsWith('MZ', [System.StringComparison]::Ordinal) -and $text -match 'PRETTY_NAME="vhdboot ([0-9A-Za-z.+~-]+)"') { return $Matches[1] }
    return ''
}

function Invoke-Install {
    $file = Resolve-Image $Path
    $source = $Efi
    if ($source -eq '') { $source = Join-Path -Path $PSScriptRoot -ChildPath 'vhdboot.efi' }
    $source = Resolve-File $source 'vhdboot.efi'
    if (-not [System.IO.File]::Exists($source)) { Stop-Refused "there is no file $source; put vhdboot.efi beside this script, or say -Efi" }
    if ((New-Object -TypeName System.IO.FileInfo -ArgumentList $source).Length -gt 64 * $MiB) { Stop-Refused "$source is larger than any vhdboot.efi; name that file" }
    $version = Get-EfiVersion $source
    if ($version -eq '') { Stop-Refused "$source is not a vhdboot.efi; name that file" }
    $target = [System.IO.Path]::ChangeExtension($file, '.efi')
    $ending = [System.IO.Path]::GetExtension($file)
    $order = @('.vhd', '.img', '.raw', '.vhdx')
    if ($order -notcontains $ending) { Stop-Refused "$file ends in '$ending', and vhdboot looks for .vhd, .img, .raw or .vhdx; rename it" }
    foreach ($earlier in $order) {
        if ($earlier -eq $ending) { break }
        $other = [System.IO.Path]::ChangeExtension($file, $earlier)
        if (Test-There $other) { Stop-Refused "$target would boot $other and not $file; rename one of them" }
    }
    if (Test-There $target) {
        if ([System.IO.File]::Exists($target) -and (Get-FileHash -LiteralPath $target -Algorithm SHA256 -ErrorAction Stop).Hash -eq (Get-FileHash -LiteralPath $source -Algorithm SHA256 -ErrorAction Stop).Hash) {
            Write-Line "$target is this vhdboot.efi already; there is nothing to do"
            return
        }
        Stop-Refused "$target is there already and is another file; delete or rename it first"
    }
    Test-Machine
    Test-Image $file $false
    Complete-Check $false 'nothing was changed'
    Write-Line "plan: $source (vhdboot $version) is copied to $target; it boots $file"
    $settings = [System.IO.Path]::ChangeExtension($file, '.conf')
    if (Test-There $settings) { Write-Line "$settings is there, and will be read" }
    if (-not (Approve-Change $target 'copy vhdboot.efi')) { return }
    [System.IO.File]::Copy($source, $target, $false)
    if ((Get-FileHash -LiteralPath $target -Algorithm SHA256 -ErrorAction Stop).Hash -ne (Get-FileHash -LiteralPath $source -Algorithm SHA256 -ErrorAction Stop).Hash) {
        [System.IO.File]::Delete($target)
        throw "$target came out different from $source, and was deleted; is the disk in order?"
    }
    Write-Line "$target is there. To be rid of it delete that file; nothing else was changed."
}

# {guid} or {bootmgr}, as bcdedit writes them.
function Resolve-Entry {
    $id = $Entry.Trim('{', '}')
    if ($id -ne 'bootmgr' -and $id -notmatch '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$') {
        Stop-Usage "-Entry takes the identifier of a firmware entry, '{...}' in quotes; vhdboot.ps1 next lists them"
    }
    $id = "{$id}"
    $text = @(Invoke-Tool 'bcdedit.exe' @('/enum', 'firmware')) -join "`n"
    if ($text.IndexOf($id, [System.StringComparison]::OrdinalIgnoreCase) -lt 0) {
        Stop-Refused "the firmware has no entry $id; vhdboot.ps1 next lists those that it has"
    }
    return $id
}

# How often the identifier stands in what the firmware's boot manager has: in its order, and once more for the next start.
function Get-Mentions([string] $Id) {
    $text = @(Invoke-Tool 'bcdedit.exe' @('/enum', '{fwbootmgr}')) -join "`n"
    return [regex]::Matches($text, [regex]::Escape($Id), 'IgnoreCase').Count
}

function Invoke-Next {
    $chosen = @(@(($Entry -ne ''), ([bool] $Firmware), ([bool] $Clear)) | Where-Object -FilterScript { $_ })
    if ($chosen.Count -gt 1) { Stop-Usage 'say one of -Entry, -Firmware and -Clear' }
    if ($Restart -and $Entry -eq '') { Stop-Usage '-Restart goes with -Entry' }
    if ($Firmware) {
        Write-Line 'plan: in 60 seconds this machine restarts into its firmware setup; programs are closed, "shutdown /a" stops it'
        if (-not (Approve-Change 'this machine' 'restart into the firmware setup')) { return }
        Invoke-Tool 'shutdown.exe' @('/r', '/fw', '/t', '60') | Out-Null
        return
    }
    if ($Clear) {
        if (-not (Approve-Change 'the firmware' 'forget what was to be started next')) { return }
        Invoke-Tool 'bcdedit.exe' @('/deletevalue', '{fwbootmgr}', 'bootsequence') | Out-Null
        return
    }
    if ($Entry -eq '') {
        foreach ($line in @(Invoke-Tool 'bcdedit.exe' @('/enum', 'firmware'))) { Write-Line $line }
        Write-Line 'The long {...} of an entry goes behind -Entry, in quotes. An image has none of its own: take that of its boot menu or stick.'
        return
    }
    $id = Resolve-Entry
    Write-Line "plan: the firmware starts $id next time, and after that what it always starts"
    if ($Restart) { Write-Line 'plan: in 60 seconds this machine restarts; programs are closed, "shutdown /a" stops it' }
    if (-not (Approve-Change 'the firmware' "start $id next time")) { return }
    $before = Get-Mentions $id
    Invoke-Tool 'bcdedit.exe' @('/set', '{fwbootmgr}', 'bootsequence', $id) | Out-Null
    if ((Get-Mentions $id) -gt $before) {
        Write-Line "the firmware has taken $id as the next one"
    } else {
        Write-Line "care  it cannot be seen whether the firmware has taken $id (or had it already): look at bcdedit /enum '{fwbootmgr}'"
        $script:Warned = $true
    }
    if ($Restart) { Invoke-Tool 'shutdown.exe' @('/r', '/t', '60', '/c', 'vhdboot: another system is started next') | Out-Null }
    else { Write-Line 'Choose Restart, not Shut down.' }
}

function Invoke-Snapshot {
    if ($Path -notmatch '^[A-Za-z]:\\?$') { Stop-Usage 'name the drive, as D:' }
    $letter = $Path.Substring(0, 1).ToUpperInvariant()
    $volumes = @(Get-CimInstance -ClassName Win32_Volume -Filter "DriveLetter = '${letter}:'")
    if ($volumes.Count -ne 1) { Stop-Refused "${letter}: is no volume of this machine; name another" }
    if ($volumes[0].FileSystem -ne 'NTFS') { Stop-Refused "${letter}: is '$($volumes[0].FileSystem)', and Windows makes shadow copies of NTFS; name another" }
    Write-Line "A shadow copy of ${letter}: protects what Windows itself changes or deletes from now on: your documents, and images that only Windows and its virtual machines use."
    Write-Line 'It does not protect a Linux image that is booted: Windows keeps the old contents only of what it overwrites itself, so the image changes in the shadow copy, too. The backup of an image is a copy of its file, made while the Linux is off.'
    Write-Line 'Never go back to a shadow copy of this volume as a whole, nor by System Restore, after the Linux has run.'
    foreach ($folder in @("${letter}:\", "${letter}:\boot", "${letter}:\vhd", "${letter}:\images")) {
        if (-not [System.IO.Directory]::Exists($folder)) { continue }
        foreach ($item in @(Get-ChildItem -LiteralPath $folder -File -Force)) {
            if (@('.vhd', '.img', '.raw', '.vhdx') -contains $item.Extension) {
                Write-Line "care  not protected once it was booted: $($item.FullName)"
                $script:Warned = $true
            }
        }
    }
    if (-not (Approve-Change "${letter}:" 'make a shadow copy')) { return }
    $made = Invoke-CimMethod -ClassName Win32_ShadowCopy -MethodName Create -Arguments @{ Volume = "${letter}:\"; Context = 'ClientAccessible' } -Confirm:$false
    if ($made.ReturnValue -ne 0) { throw "Windows made no shadow copy of ${letter}:, and Win32_ShadowCopy.Create gives the reason $($made.ReturnValue) (docs/windows-script.md)" }
    Write-Line "the shadow copy $($made.ShadowID) is there"
}

function Invoke-Schedule {
    $task = Get-ScheduledTask -TaskName $TaskName -TaskPath '\' -ErrorAction SilentlyContinue
    if ($Cancel) {
        if ($At -ne '' -or $Entry -ne '') { Stop-Usage '-Cancel stands alone' }
        if ($null -eq $task) { Write-Line 'nothing is scheduled'; return }
        if (-not (Approve-Change $TaskName 'remove the task')) { return }
        Unregister-ScheduledTask -TaskName $TaskName -TaskPath '\' -Confirm:$false -ErrorAction Stop
        Write-Line 'the task is gone; a restart that it has begun already is stopped by "shutdown /a", and what starts next by vhdboot.ps1 next -Clear'
        return
    }
    if ($At -eq '' -and $Entry -eq '') {
        if ($null -eq $task) { Write-Line 'nothing is scheduled'; return }
        foreach ($trigger in @($task.Triggers)) { Write-Line "at  $($trigger.StartBoundary)" }
        foreach ($action in @($task.Actions)) { Write-Line "run $($action.Execute) $($action.Arguments)" }
        return
    }
    if ($At -eq '' -or $Entry -eq '') { Stop-Usage '-At and -Entry go together' }
    $when = [System.DateTime]::MinValue
    if (-not [System.DateTime]::TryParseExact($At, 'yyyy-MM-dd HH:mm', [System.Globalization.CultureInfo]::InvariantCulture, [System.Globalization.DateTimeStyles]::None, [ref] $when)) {
        Stop-Usage "-At takes a time as '2026-12-24 03:00'"
    }
    if ($when -le [System.DateTime]::Now) { Stop-Refused "$At is past; name a time to come" }
    if ($null -ne $task) { Stop-Refused "the task $TaskName is there already; look at it by vhdboot.ps1 schedule, remove it by -Cancel" }
    $id = Resolve-Entry
    $system = "$env:SystemRoot\System32"
    $line = '/d /s /c "' + "$system\bcdedit.exe /set {fwbootmgr} bootsequence $id && $system\shutdown.exe /r /t 300 /c " +
        '"vhdboot: another system is started in 5 minutes; shutdown /a stops it""'
    Write-Line "plan: the task $TaskName runs once at $At, if the machine is on and awake then:"
    Write-Line "plan: cmd.exe $line"
    if (-not (Approve-Change $TaskName "schedule a restart at $At")) { return }
    $action = New-ScheduledTaskAction -Execute "$system\cmd.exe" -Argument $line -ErrorAction Stop
    $trigger = New-ScheduledTaskTrigger -Once -At $when -ErrorAction Stop
    $principal = New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -LogonType ServiceAccount -RunLevel Highest -ErrorAction Stop
    $settings = New-ScheduledTaskSettingsSet -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -ErrorAction Stop
    $null = Register-ScheduledTask -TaskName $TaskName -TaskPath '\' -Description 'vhdboot: starts another system once' -Action $action -Trigger $trigger -Principal $principal -Settings $settings -ErrorAction Stop
    Write-Line "scheduled; Task Scheduler shows it as $TaskName, and vhdboot.ps1 schedule -Cancel removes it"
}

# --- which one

$Takes = @{
    'help'     = @()
    'check'    = @('Path')
    'new'      = @('Path', 'SizeGB')
    'convert'  = @('Path', 'Destination')
    'install'  = @('Path', 'Efi')
    'next'     = @('Entry', 'Restart', 'Firmware', 'Clear')
    'snapshot' = @('Path')
    'schedule' = @('At', 'Entry', 'Cancel')
}
if (-not $Takes.ContainsKey($Command)) { Stop-Usage "there is no command '$Command'" }
foreach ($name in @('Path', 'Destination', 'SizeGB', 'Efi', 'Entry', 'At', 'Firmware', 'Restart', 'Clear', 'Cancel')) {
    if ($PSBoundParameters.ContainsKey($name) -and $Takes[$Command] -notcontains $name) { Stop-Usage "$Command takes no $name" }
}
if ($Command -eq 'help') {
    Write-Line $Usage
    exit 0
}
try {
    Test-Session
    if (-not ('VhdbootFile' -as [type])) { Add-Type -TypeDefinition $Source }
    switch ($Command) {
        'check' { Invoke-Check }
        'new' { Invoke-New }
        'convert' { Invoke-Convert }
        'install' { Invoke-Install }
        'next' { Invoke-Next }
        'snapshot' { Invoke-Snapshot }
        'schedule' { Invoke-Schedule }
    }
} catch {
    Write-Fault (Get-Reason $_)
    exit 1
}
if ($Declined) { exit 3 }
if ($Warned) { exit 4 }
exit 0
