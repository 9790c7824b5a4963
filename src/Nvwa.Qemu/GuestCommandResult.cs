namespace Nvwa.Qemu;

/// <param name="ExitCode">The exit code, or 128 and the signal's number, as a shell says it.</param>
/// <param name="Output">Standard output as UTF-8.</param>
/// <param name="Error">Standard error as UTF-8.</param>
/// <param name="Truncated">The agent keeps the first 16 MiB of each; here there was more.</param>
public sealed record GuestCommandResult(int ExitCode, string Output, string Error, bool Truncated);
