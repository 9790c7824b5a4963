using System.Security.Cryptography;
using System.Text;
using Nvwa.Linux;

namespace Nvwa.State;

/// <summary>The files that a unit is made of, as systemd has loaded them.</summary>
/// <param name="Fragment">The unit file itself; empty if it has none.</param>
/// <param name="DropIns">In the order in which they count.</param>
/// <param name="IsOutdated">They changed since systemd read them (NeedDaemonReload).</param>
internal sealed record UnitFiles(string Fragment, IReadOnlyList<string> DropIns, bool IsOutdated)
{
    private const string Generated = "/run/systemd/generator";

    /// <summary>What nobody makes again after a boot; what generators make comes with each.</summary>
    public IReadOnlyList<string> Transient =>
        [.. All.Where(path => path.StartsWith("/run/", StringComparison.Ordinal) && !path.StartsWith(Generated, StringComparison.Ordinal))];

    private IEnumerable<string> All => DropIns.Prepend(Fragment).Where(path => path.Length > 0);

    public static UnitFiles Of(SystemdBus systemd, string unit) => new(
        systemd.GetString(unit, SystemdInterface.Unit, "FragmentPath"),
        systemd.GetStrings(unit, SystemdInterface.Unit, "DropInPaths"),
        systemd.GetBool(unit, SystemdInterface.Unit, "NeedDaemonReload"));

    /// <summary>Of their names and what they say, without those of generators, as our own; empty if systemd has not read them.</summary>
    public string Digest()
    {
        if (IsOutdated)
        {
            return "";
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in All.Where(path => !path.StartsWith(Generated, StringComparison.Ordinal)))
        {
            byte[] content = File.Exists(path) ? File.ReadAllBytes(path) : [];
            hash.AppendData(Encoding.UTF8.GetBytes($"{path}\0{content.Length}\0"));
            hash.AppendData(content);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
