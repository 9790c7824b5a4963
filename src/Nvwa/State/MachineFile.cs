using System.Text.Json.Serialization;
using Nvwa.Linux;
using Nvwa.Qemu;

namespace Nvwa.State;

/// <summary>
/// How a virtual machine's state was written, <c>machine.json</c> among its images, and what its QEMU was started with, should
/// no unit do that.
/// </summary>
/// <param name="Options">Of its migration.</param>
/// <param name="Uid">Of its QEMU, when that made its QMP socket: what a process is now may be a program that takes other rights.</param>
/// <param name="WorkingDirectory">Of its QEMU.</param>
/// <param name="Variables">Of its QEMU, NAME=VALUE.</param>
internal sealed record MachineFile(MigrationOptions Options, uint Uid, string WorkingDirectory, IReadOnlyList<string> Variables)
{
    private const string FileName = "machine.json";

    /// <summary>Left in the environment of a QEMU that has replaced itself (cpr-exec): the next one would look for a state there.</summary>
    private const string ExecState = "QEMU_CPR_EXEC_STATE=";

    /// <summary>Of a QEMU that runs.</summary>
    public static MachineFile Of(QemuInstance qemu, MigrationOptions options) => new(
        options,
        qemu.User,
        new FileInfo($"/proc/{qemu.Pid}/cwd").LinkTarget ?? "/",
        [.. ProcFs.Variables(qemu.Pid).Where(variable => !variable.StartsWith(ExecState, StringComparison.Ordinal))]);

    public void Write(string directory) => ImageNote.Write(Path.Combine(directory, FileName), this, MachineJson.Default.MachineFile);

    /// <summary>Of images that were verified.</summary>
    public static MachineFile Read(string directory) =>
        ImageNote.Read(Path.Combine(directory, FileName), MachineJson.Default.MachineFile) ?? throw new InvalidDataException($"{directory}/{FileName} is not there");
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(MachineFile))]
internal sealed partial class MachineJson : JsonSerializerContext;
