using System.Net;
using static Nvwa.Linux.Rtnetlink;

namespace Nvwa.Linux;

/// <summary>
/// One application of a snapshot, in the network namespace of the calling thread. Filters stand before the first link is up;
/// each step is remembered with what takes it back.
/// </summary>
internal sealed class NetworkApplication : IDisposable
{
    private static readonly TimeSpan UniqueDeadline = TimeSpan.FromSeconds(2);

    /// <summary>From a link that is set up until it can send: negotiation, and a bridge's listening and learning.</summary>
    private static readonly TimeSpan CarrierDeadline = TimeSpan.FromSeconds(40);

    private readonly NetworkSnapshot _wanted;
    private readonly RouteSocket _socket = new();
    private readonly NetworkUndo _undo = new();
    private readonly List<string> _notes = [];
    private readonly Dictionary<int, string> _names;
    private readonly LinkApplication _links;
    private readonly uint _elapsed;
    private readonly CancellationToken _cancellation;

    /// <param name="wanted">What is to be there.</param>
    /// <param name="elapsed">Seconds since it was read.</param>
    /// <param name="cancellation">Ends it at the next step, with everything taken back.</param>
    public NetworkApplication(NetworkSnapshot wanted, uint elapsed, CancellationToken cancellation)
    {
        _wanted = wanted;
        _elapsed = elapsed;
        _cancellation = cancellation;
        _names = wanted.Links.ToDictionary(link => link.Index, link => link.Name);
        _links = new LinkApplication(wanted.Links, _socket, _undo, _notes);
    }

    /// <summary>How many changes it made.</summary>
    public int Changes => _undo.Count;

    public void Dispose() => _socket.Dispose();

    /// <returns>What is not as it was, in words.</returns>
    public IReadOnlyList<string> Run(TimeSpan patience)
    {
        try
        {
            _links.AwaitHardware(patience, _cancellation);
            SetSysctls();
            _links.Make(_cancellation);
            SetSysctls();
            SetFirewall();
            _links.SetFlags(_cancellation);
            AddAddresses();
            Add(new NexthopObjects(), _wanted.Nexthops);
            Add(new RouteObjects(), _wanted.Routes);
            ReplaceRules();
            Add(new NeighbourObjects(), _wanted.Neighbours);
            NoteSysctls(SetSysctls());
            Compare();
            return _notes;
        }
        catch (LinuxException failed)
        {
            IReadOnlyList<string> left = _undo.TakeBack();
            throw left.Count == 0 ? failed : WithRemains(failed, left);
        }
        catch (Exception stopped)
        {
            IReadOnlyList<string> left = _undo.TakeBack();
            if (left.Count == 0)
            {
                throw;
            }

            throw new LinuxException("apply", "the network configuration", Errno.EINTR, $"{stopped.Message}; and not all could be taken back: {string.Join("; ", left)}");
        }
    }

    private static LinuxException WithRemains(LinuxException failed, IReadOnlyList<string> left) => new(
        failed.Operation,
        failed.Subject,
        failed.Errno,
        $"{(failed.Detail is { } detail ? $"{detail}; " : "")}and not all could be taken back: {string.Join("; ", left)}");

    /// <summary>Those that differ; again while some of them changed others. What the kernel refused comes back.</summary>
    private Dictionary<string, LinuxException> SetSysctls()
    {
        const int Rounds = 3;
        Dictionary<string, LinuxException> refused = new(StringComparer.Ordinal);
        for (int round = 0; round < Rounds; round++)
        {
            bool isSettled = true;
            foreach (string path in NetworkSysctls.InOrder(_wanted.Sysctls.Keys))
            {
                _cancellation.ThrowIfCancellationRequested();
                if (!refused.ContainsKey(path) && NetworkSysctls.TryRead(path) is { } present && present != _wanted.Sysctls[path])
                {
                    SetSysctl(path, present, refused);
                    isSettled = false;
                }
            }

            if (isSettled)
            {
                break;
            }
        }

        return refused;
    }

    private void SetSysctl(string path, string present, Dictionary<string, LinuxException> refused)
    {
        if (NetworkSysctls.TryWrite(path, _wanted.Sysctls[path]) is { } refusal)
        {
            refused[path] = refusal;
            return;
        }

        _undo.Add($"sysctl {path}", () =>
        {
            if (present.Length > 0 && NetworkSysctls.TryWrite(path, present) is { } failure)
            {
                throw failure;
            }
        });
    }

    /// <summary>
    /// Another kernel has other settings, and other values for some. That alone is no reason to leave the host without its
    /// network.
    /// </summary>
    private void NoteSysctls(Dictionary<string, LinuxException> refused)
    {
        HashSet<string> missing = [];
        foreach (string path in NetworkSysctls.InOrder(_wanted.Sysctls.Keys))
        {
            if (refused.TryGetValue(path, out LinuxException? refusal))
            {
                _notes.Add($"sysctl net/{path} = {_wanted.Sysctls[path]}: {refusal.Message}");
            }
            else if (NetworkSysctls.TryRead(path) is not { } present)
            {
                _ = IsLinkThere(path) && missing.Add($"net/{NetworkSysctls.OfAnyLink(path)}");
            }
            else if (present != _wanted.Sysctls[path])
            {
                _notes.Add($"sysctl net/{path} = {_wanted.Sysctls[path]}: it is {present}");
            }
        }

        // Of an older kernel that is many, and seldom one that somebody has set.
        if (missing.Count > 0)
        {
            _notes.Add($"sysctls that this kernel has not, or not yet: {string.Join(", ", missing)}");
        }
    }

    private bool IsLinkThere(string path) =>
        NetworkSysctls.LinkOf(path) is not { } link || link is "all" or "default" || _wanted.Links.Any(each => each.Name == link && _links.IndexOf(each.Index) is not null);

    private void SetFirewall()
    {
        FirewallRules present = Firewall.Read(_cancellation);
        if (Firewall.AreSame(present, _wanted.Firewall))
        {
            return;
        }

        // Remembered first: with several tools it may end in the middle.
        _undo.Add("packet filters", () => Firewall.Replace(present, _wanted.Firewall, CancellationToken.None));
        Firewall.Replace(_wanted.Firewall, present, _cancellation);
    }

    /// <summary>
    /// This host has had them until a moment ago, so nobody is asked again whether they are free: who is bound to one need not
    /// wait. Only one whose uniqueness was not established then is told as it was.
    /// </summary>
    private void AddAddresses()
    {
        AddressObjects addresses = new();
        List<RouteMessage> settled = Add(
            addresses,
            _wanted.Addresses,
            message => message.Family == AF_INET6 && !AddressObjects.IsTentative(message)
                ? AddressObjects.With(message, AddressObjects.Flags(message) | IFA_F_NODAD)
                : message);
        List<RouteMessage> hurried = settled.FindAll(message => message.Family == AF_INET6 && !AddressObjects.IsTentative(message)
            && (AddressObjects.Flags(message) & IFA_F_NODAD) == 0);
        if (hurried.Count == 0)
        {
            return;
        }

        // The flag has done its work when the address is usable. What is not by then keeps it.
        LocalAddresses.WaitAsync([.. hurried.Select(message => new IPAddress(AddressObjects.Own(message)))], UniqueDeadline, _cancellation)
            .GetAwaiter().GetResult();
        foreach (RouteMessage message in hurried)
        {
            _socket.Request(addresses.Make, NLM_F_REPLACE, message, "settle", addresses.Describe(message, NameOf));
        }
    }

    /// <summary>
    /// They are a list in which the first match decides: one too many is as wrong as one too few. One in the place of a wanted one
    /// stays, though: another kernel may say the same in other words, and without its own first rule a host is deaf.
    /// </summary>
    private void ReplaceRules()
    {
        RuleObjects rules = new();
        Add(rules, _wanted.Rules);
        HashSet<string> wanted = [.. _wanted.Rules.Select(bytes => RuleObjects.Place(rules.Parse(bytes)))];
        foreach (RouteMessage rule in rules.Read(_socket).Where(rule => !wanted.Contains(RuleObjects.Place(rule))))
        {
            string words = rules.Describe(rule, NameOf);
            _socket.Request(rules.Unmake, 0, rule, "remove", words);
            _undo.Add(words, () => _socket.Request(rules.Make, rules.FlagsToAdd(rule), rule, "restore", words));
        }
    }

    /// <summary>Adds what is not there. A route may need another one first, so what is refused is tried again behind the others.</summary>
    /// <param name="kind">Of what.</param>
    /// <param name="messages">As they were read.</param>
    /// <param name="inTheseWords">What the kernel is told instead; null for the same.</param>
    /// <returns>What was added, as it is to be in the end.</returns>
    private List<RouteMessage> Add(NetworkObjects kind, IReadOnlyList<byte[]> messages, Func<RouteMessage, RouteMessage>? inTheseWords = null)
    {
        Dictionary<string, RouteMessage> present = [];
        foreach (RouteMessage message in kind.Read(_socket))
        {
            present[kind.Key(message)] = message;
        }

        List<RouteMessage> missing = Here(kind, messages, isFirst: true)
            .FindAll(message => !present.TryGetValue(kind.Key(message), out RouteMessage? same) || kind.Meaning(same) != kind.Meaning(message));
        using LinkChanges changes = new(_cancellation);
        Deadline carrierDeadline = new(CarrierDeadline);
        List<RouteMessage> pending = missing;
        while (pending.Count > 0)
        {
            LinuxException? refusal = null;
            List<RouteMessage> refused = pending.FindAll(message =>
            {
                _cancellation.ThrowIfCancellationRequested();
                LinuxException? answer = TryAdd(kind, inTheseWords?.Invoke(message) ?? message, present.GetValueOrDefault(kind.Key(message)));
                refusal ??= answer;
                return answer is not null;
            });

            // The kernel takes nexthops, other than routes, only where the link has a carrier.
            if (refused.Count == pending.Count && !(kind is NexthopObjects && refusal!.Errno == Errno.ENETDOWN && changes.Wait(carrierDeadline)))
            {
                throw refusal!;
            }

            pending = refused;
        }

        return missing;
    }

    private LinuxException? TryAdd(NetworkObjects kind, RouteMessage message, RouteMessage? former)
    {
        string words = kind.Describe(message, PresentNameOf);
        try
        {
            _socket.Request(kind.Make, kind.FlagsToAdd(message), message, "add", words);
        }
        catch (LinuxException refused)
        {
            // Somebody else was faster, or the kernel sees no difference.
            return refused.Errno == Errno.EEXIST ? null : refused;
        }

        _undo.Add(words, former is null
            ? () => _socket.Request(kind.Unmake, 0, kind.ToRemove(message), "remove", words)
            : () => _socket.Request(kind.Make, NLM_F_CREATE | NLM_F_REPLACE, former, "restore", words));
        return null;
    }

    /// <summary>With the indexes that links have here and the time that is left.</summary>
    private List<RouteMessage> Here(NetworkObjects kind, IReadOnlyList<byte[]> messages, bool isFirst)
    {
        List<RouteMessage> here = [];
        foreach (byte[] bytes in messages)
        {
            RouteMessage message = kind.Parse(bytes);
            if (kind.Age(message, _elapsed) is not { } aged)
            {
                continue;
            }

            if (kind.Translate(aged, _links.IndexOf) is { } translated)
            {
                here.Add(translated);
            }
            else if (isFirst)
            {
                _notes.Add($"{kind.Describe(message, NameOf)}: the link is not there");
            }
        }

        return here;
    }

    /// <summary>Notes what the kernel took and did not do: an older one passes over what it does not know.</summary>
    private void Compare()
    {
        _links.Compare();
        Compare(new AddressObjects(), _wanted.Addresses);
        Compare(new NexthopObjects(), _wanted.Nexthops);
        Compare(new RouteObjects(), _wanted.Routes);
        Compare(new RuleObjects(), _wanted.Rules);
        Compare(new NeighbourObjects(), _wanted.Neighbours);
    }

    private void Compare(NetworkObjects kind, IReadOnlyList<byte[]> messages)
    {
        HashSet<string> present = [.. kind.Read(_socket).Select(kind.Meaning)];
        foreach (RouteMessage message in Here(kind, messages, isFirst: false).Where(message => !present.Contains(kind.Meaning(message))))
        {
            _notes.Add($"{kind.Describe(message, PresentNameOf)} is not as it was");
        }
    }

    private string NameOf(int wantedIndex) => _names.GetValueOrDefault(wantedIndex) ?? $"link {wantedIndex}";

    private string PresentNameOf(int index) =>
        _wanted.Links.FirstOrDefault(link => _links.IndexOf(link.Index) == index)?.Name ?? $"link {index}";
}
