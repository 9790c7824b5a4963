using Nvwa.Core.Checks;

namespace Nvwa.Checks;

/// <summary>What <c>--append</c> gives is a list of kernel parameters.</summary>
internal sealed class AppendCheck : IHostCheck
{
    public string Name => "append";

    public IEnumerable<CheckResult> Run(HostFacts host)
    {
        if (host.Append.Count(c => c == '"') % 2 != 0 || host.Append.Any(char.IsControl))
        {
            yield return CheckResult.Invalid(Name, host.Append, "is not a list of kernel parameters: a quote is not closed, or a control character is in it", "correct --append");
        }
    }
}
