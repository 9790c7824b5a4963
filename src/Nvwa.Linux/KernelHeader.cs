using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Nvwa.Linux;

/// <summary>Which machine a kernel image is made for.</summary>
public enum KernelMachine
{
    None = 0,
    X64 = 1,
    X86 = 2,
    Arm64 = 3,

    /// <summary>A compressed image that unpacks itself by EFI (zboot); its machine is inside.</summary>
    Zboot = 4,
}

/// <summary>
/// The first bytes of a kernel image, as a loader looks at them:
/// <code>
///   x86 bzImage (boot.rst)   0x1FE 0xAA55   0x202 "HdrS"   0x206 version   0x236 xloadflags, bit 0: 64-bit entry
///   arm64 Image (booting.rst)  0x38 "ARM\x64"
///   zboot                      0x04 "zimg"
///   PE (all with an EFI stub)  0x00 "MZ"   0x3C offset of "PE\0\0"; the certificate table is data directory 4
/// </code>
/// </summary>
/// <param name="Machine">None if it is no kernel of a known kind.</param>
/// <param name="IsSigned">It carries a signature table (Authenticode); by whom, only the running kernel can tell.</param>
public sealed record KernelHeader(KernelMachine Machine, bool IsSigned)
{
    private const int Length = 4096;
    private const int MinimumVersionWithLoadFlags = 0x20C;
    private const int PeOptionalHeader = 24;
    private const int Pe32Plus = 0x20B;
    private const int CertificateTable = 4;
    private const int DirectoryEntry = 8;

    /// <exception cref="LinuxException">The file cannot be read.</exception>
    public static KernelHeader Read(string path)
    {
        using SafeFileHandle file = Libc.Open(path, Libc.O_RDONLY);
        byte[] bytes = new byte[Length];
        int length = Libc.ReadAt(file, bytes, 0, path);
        return Parse(bytes.AsSpan(0, length));
    }

    internal static KernelHeader Parse(ReadOnlySpan<byte> bytes) => new(MachineOf(bytes), HasCertificates(bytes));

    private static KernelMachine MachineOf(ReadOnlySpan<byte> bytes)
    {
        if (Has(bytes, 0x202, "HdrS"u8) && UInt16(bytes, 0x1FE) == 0xAA55)
        {
            return UInt16(bytes, 0x206) >= MinimumVersionWithLoadFlags && (UInt16(bytes, 0x236) & 1) != 0 ? KernelMachine.X64 : KernelMachine.X86;
        }

        return Has(bytes, 0x38, "ARM\x64"u8) ? KernelMachine.Arm64
            : Has(bytes, 4, "zimg"u8) ? KernelMachine.Zboot
            : KernelMachine.None;
    }

    private static bool HasCertificates(ReadOnlySpan<byte> bytes)
    {
        int pe = Has(bytes, 0, "MZ"u8) ? (int)UInt32(bytes, 0x3C) : -1;
        if (pe < 0 || pe > bytes.Length || !Has(bytes, pe, "PE\0\0"u8))
        {
            return false;
        }

        int optional = pe + PeOptionalHeader;
        int directories = optional + (UInt16(bytes, optional) == Pe32Plus ? 112 : 96);
        bool hasEntry = UInt32(bytes, directories - sizeof(uint)) > CertificateTable;
        return hasEntry && UInt32(bytes, directories + (CertificateTable * DirectoryEntry) + sizeof(uint)) > 0;
    }

    private static bool Has(ReadOnlySpan<byte> bytes, int offset, ReadOnlySpan<byte> magic) =>
        bytes.Length >= offset + magic.Length && bytes[offset..].StartsWith(magic);

    /// <summary>0 behind the end.</summary>
    private static int UInt16(ReadOnlySpan<byte> bytes, int offset) =>
        bytes.Length >= offset + sizeof(ushort) ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]) : 0;

    private static uint UInt32(ReadOnlySpan<byte> bytes, int offset) =>
        bytes.Length >= offset + sizeof(uint) ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]) : 0;
}
