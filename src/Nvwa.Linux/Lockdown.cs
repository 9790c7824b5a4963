namespace Nvwa.Linux;

/// <summary>What the running kernel refuses even to root: kernel_lockdown(7), and UEFI's Secure Boot.</summary>
public static class Lockdown
{
    private const string SecureBootVariable = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

    /// <summary>Attributes of the variable come before its one byte.</summary>
    private const int VariableLength = 5;

    /// <summary><c>none</c>, <c>integrity</c> or <c>confidentiality</c>; null if the kernel has no such thing.</summary>
    public static string? Level => Proc.TryReadText("/sys/kernel/security/lockdown") is { } text ? Selected(text) : null;

    public static bool IsSecureBoot => Proc.TryRead(SecureBootVariable) is { Length: VariableLength } value && value[^1] == 1;

    /// <summary>The word in brackets: <c>[none] integrity confidentiality</c>.</summary>
    internal static string? Selected(string text) =>
        text.Split(' ').FirstOrDefault(word => word.StartsWith('[') && word.EndsWith(']'))?[1..^1];
}
