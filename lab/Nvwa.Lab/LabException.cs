namespace Nvwa.Lab;

/// <summary>The lab itself, or the machine under it, did not do what a scenario needs; the message says what and where to look.</summary>
public sealed class LabException(string message, Exception? cause = null) : Exception(message, cause);
