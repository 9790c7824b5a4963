namespace Nvwa.Qemu;

/// <summary>The peer, a QEMU or a guest agent, understood the command and said no. The conversation goes on.</summary>
public sealed class QmpException(string command, string errorClass, string description)
    : Exception($"{command}: {description}")
{
    public string Command { get; } = command;

    /// <summary>QMP's own error class; nearly always "GenericError", so decide by it only where QEMU documents another.</summary>
    public string ErrorClass { get; } = errorClass;

    public string Description { get; } = description;
}
