using System.Globalization;

namespace Nvwa.Core.Kernel;

/// <summary>
/// The parameters of a kernel, in order (kernel-parameters.rst): separated by blanks, a value may be quoted to hold some.
/// </summary>
public sealed class KernelCommandLine
{
    /// <summary>Says to the new kernel's user space which update brought it up.</summary>
    public const string UpdateParameter = "nvwa.update";

    // pid_max has to come first: without it the kernel refuses an ns_last_pid above 32768.
    private const string PidMax = "sysctl.kernel.pid_max";
    private const string LastPid = "sysctl.kernel.ns_last_pid";

    /// <summary>
    /// A kernel that does not come up goes back through the firmware, after so many seconds; kernel.panic is set back when the
    /// update is confirmed. Ours is the one right before <see cref="PidMax"/>: another is the administrator's, who then has none of ours.
    /// </summary>
    private const string PanicName = "panic";
    private const string Panic = $"{PanicName}=10";

    /// <summary>What follows it is for init, not for the kernel.</summary>
    private const string InitFollows = "--";

    private readonly IReadOnlyList<string> _parameters;

    private KernelCommandLine(IReadOnlyList<string> parameters) => _parameters = parameters;

    public static KernelCommandLine Parse(string text) => new([.. Split(text)]);

    /// <summary>
    /// The line for the next kernel. Our own parameters are replaced and the administrator's are added once, so that the
    /// line does not grow from update to update.
    /// </summary>
    /// <param name="updateId">The update that loads the kernel.</param>
    /// <param name="band">Where the new kernel's user space takes its PIDs.</param>
    /// <param name="append">Further parameters; may be empty.</param>
    public KernelCommandLine ForUpdate(string updateId, Planning.PidBand band, string append)
    {
        string[] added = [.. Split(append).Where(parameter => !IsOurs(parameter)).Distinct(StringComparer.Ordinal)];
        string[] kept = [.. _parameters.Where((parameter, i) => !IsOurs(parameter) && !(parameter == Panic && NameOf(_parameters.ElementAtOrDefault(i + 1) ?? "") == PidMax))];
        // What was added before is moved, not kept where it was: of two values of a parameter the kernel takes the last.
        string[] forKernel = [.. ForKernel(added)];
        string[] forInit = [.. ForInit(kept), .. ForInit(added).Except(ForInit(kept), StringComparer.Ordinal)];
        return new KernelCommandLine(
        [
            .. ForKernel(kept).Where(parameter => !forKernel.Contains(parameter, StringComparer.Ordinal)),
            .. forKernel,
            .. kept.Concat(forKernel).Any(parameter => NameOf(parameter) == PanicName) ? [] : (string[])[Panic],
            string.Create(CultureInfo.InvariantCulture, $"{PidMax}={band.PidMax}"),
            string.Create(CultureInfo.InvariantCulture, $"{LastPid}={band.Start}"),
            $"{UpdateParameter}={updateId}",
            .. forInit.Length == 0 ? [] : forInit.Prepend(InitFollows),
        ]);
    }

    /// <returns>The value of the last <c>name=value</c>; null where there is none.</returns>
    public string? Value(string name) =>
        _parameters.LastOrDefault(parameter => NameOf(parameter) == name && parameter.Contains('=', StringComparison.Ordinal))
            ?[(name.Length + 1)..];

    /// <summary>With a value or without; what follows <c>--</c> is not looked at.</summary>
    public bool Has(string name) => ForKernel(_parameters).Any(parameter => NameOf(parameter) == name);

    public override string ToString() => string.Join(' ', _parameters);

    private static bool IsOurs(string parameter) => NameOf(parameter) is PidMax or LastPid or UpdateParameter;

    private static IEnumerable<string> ForKernel(IEnumerable<string> parameters) => parameters.TakeWhile(parameter => parameter != InitFollows);

    private static IEnumerable<string> ForInit(IEnumerable<string> parameters) => parameters.SkipWhile(parameter => parameter != InitFollows).Skip(1);

    private static string NameOf(string parameter) => parameter.Split('=', 2)[0];

    private static IEnumerable<string> Split(string text)
    {
        int start = 0;
        bool quoted = false;
        for (int i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && text[i] == '"')
            {
                quoted = !quoted;
            }

            if (i == text.Length || (!quoted && char.IsWhiteSpace(text[i])))
            {
                if (i > start)
                {
                    yield return text[start..i];
                }

                start = i + 1;
            }
        }
    }
}
