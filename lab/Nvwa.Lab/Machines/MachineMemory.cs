namespace Nvwa.Lab.Machines;

/// <summary>What a machine's memory is to QEMU, which decides how it can be updated.</summary>
public sealed record MachineMemory
{
    // Stands for the size.
    private const string Size = "SIZE";

    private readonly string[] _arguments;

    private MachineMemory(params string[] arguments) => _arguments = ["-m", Size, .. arguments];

    /// <summary>QEMU's own, as without any option: it can only be copied.</summary>
    public static MachineMemory Private { get; } = new();

    /// <summary>In memory, shared, as is all else that QEMU calls RAM: it goes to a successor by descriptor. QEMU 10.0 or later.</summary>
    public static MachineMemory SharedMemfd { get; } = new(
        "-object", $"memory-backend-memfd,id=memory,size={Size},share=on",
        "-machine", "memory-backend=memory,aux-ram-share=on");

    /// <summary>16 or more.</summary>
    public int Mebibytes { get; init; } = 64;

    public long Bytes => (long)Mebibytes << 20;

    public IReadOnlyList<string> Arguments => [.. _arguments.Select(argument => argument.Replace(Size, $"{Mebibytes}M", StringComparison.Ordinal))];

    /// <summary>A shared file, which QEMU makes where there is none, and leaves. Guest address and offset are the same.</summary>
    public static MachineMemory SharedFile(string path) => new(
        "-object", $"memory-backend-file,id=memory,size={Size},mem-path={path},share=on",
        "-machine", "memory-backend=memory");

    /// <summary>A device of memory (device DAX), of which QEMU takes the beginning. Its pages are as large as this alignment.</summary>
    public static MachineMemory SharedDevice(string path) => new(
        "-object", $"memory-backend-file,id=memory,size={Size},mem-path={path},align=2M,share=on",
        "-machine", "memory-backend=memory");
}
