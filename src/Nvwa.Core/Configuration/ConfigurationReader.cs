using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Nvwa.Core.Configuration;

/// <summary>
/// Reads the two YAML files. A missing key has its default; an unknown key, a key given twice, a wrong type or broken
/// YAML is a <see cref="ConfigurationException"/> with file and line.
/// </summary>
public static class ConfigurationReader
{
    // It is part of a unit's name and of a directory's.
    private const int MaxMachineName = 64;

    /// <param name="file">Only for messages.</param>
    /// <param name="text">The content of <c>nvwa-restore.yaml</c>.</param>
    /// <exception cref="ConfigurationException">The text cannot be used.</exception>
    public static RestoreConfiguration ReadRestore(string file, string text)
    {
        var map = new Mapping(file, text);
        var read = new RestoreConfiguration(
            Pids: map.Items("pids", map.Pid),
            Services: map.Items("services", map.Service),
            RestoreNet: map.Flag("restore_net"),
            EnableQuickKexec: map.Flag("enable_quick_kexec"),
            EnablePinMemory: map.Flag("enable_pin_memory"),
            // openEuler's key is misspelt; both spellings work.
            DebugMode: map.Flag("enbale_debug_mode") | map.Flag("enable_debug_mode"))
        {
            Machines = map.Items("vms", map.Machine),
        };
        map.RefuseTheRest();
        return read;
    }

    /// <param name="file">Only for messages.</param>
    /// <param name="text">The content of <c>nvwa-server.yaml</c>.</param>
    /// <exception cref="ConfigurationException">The text cannot be used.</exception>
    public static ServerConfiguration ReadServer(string file, string text)
    {
        var map = new Mapping(file, text);
        var defaults = new ServerConfiguration();
        var read = new ServerConfiguration(
            CriuDir: map.AbsolutePath("criu_dir", defaults.CriuDir),
            CriuExe: map.AbsolutePath("criu_exe", defaults.CriuExe),
            KexecExe: map.AbsolutePath("kexec_exe", defaults.KexecExe),
            SystemdEtc: map.AbsolutePath("systemd_etc", defaults.SystemdEtc),
            LogDir: map.AbsolutePath("log_dir", defaults.LogDir));
        map.RefuseTheRest();
        return read;
    }

    /// <summary>The top level of a file, or an entry. Each accessor takes its key out; what is left at the end is unknown.</summary>
    private sealed class Mapping
    {
        private readonly string _file;
        private readonly Dictionary<string, (YamlScalarNode Key, YamlNode Value)> _left = new(StringComparer.Ordinal);
        private readonly List<string> _known = [];
        private readonly HashSet<string> _machines = new(StringComparer.Ordinal);

        public Mapping(string file, string text)
            : this(file, Root(file, text))
        {
        }

        private Mapping(string file, YamlMappingNode node)
        {
            _file = file;
            foreach ((YamlNode key, YamlNode value) in node)
            {
                if (key is not YamlScalarNode { Value: { } name } scalar)
                {
                    throw Error(key, "a key must be plain text");
                }

                // YamlDotNet takes keys of different tags for different keys.
                if (!_left.TryAdd(name, (scalar, value)))
                {
                    throw Error(key, $"the key '{name}' is there twice");
                }
            }
        }

        public bool Flag(string key) => Take(key) switch
        {
            null => false,
            YamlScalarNode { Value: "true" or "True" or "TRUE" } => true,
            YamlScalarNode { Value: "false" or "False" or "FALSE" } => false,
            YamlNode other => throw Error(other, $"{key} must be true or false, not {Describe(other)}"),
        };

        public string AbsolutePath(string key, string missing) => AbsolutePath(key) ?? missing;

        public string? AbsolutePath(string key) => Take(key) switch
        {
            null => null,
            YamlScalarNode { Value: ['/', ..] path } when path.Split('/').Any(part => part is not ("" or ".")) && !path.Split('/').Contains("..") && !path.Any(char.IsControl) => path,
            YamlNode other => throw Error(other, $"{key} must be an absolute path below '/' without '..', not {Describe(other)}"),
        };

        private string? MachineName(string key) => Take(key) switch
        {
            null => null,
            // Workloads have one name each: a PID, or that of a service.
            YamlScalarNode { Value: { Length: > 0 and <= MaxMachineName } name } when char.IsAsciiLetter(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && !name.EndsWith(".service", StringComparison.Ordinal) => name,
            YamlNode other => throw Error(other, $"{key} must be a letter and then up to {MaxMachineName - 1} letters, digits, '-', '_' and '.', not {Describe(other)}"),
        };

        private string? Unit(string key) => Take(key) switch
        {
            null => null,
            YamlScalarNode { Value: { } name } when UnitName.TryService(name, out string? unit) => unit,
            YamlNode other => throw Error(other, $"{key} must be the name of a systemd service, not {Describe(other)}"),
        };

        /// <summary>A list; an empty value (<c>pids:</c>) is an empty list. Repeated entries count once.</summary>
        public IReadOnlyList<T> Items<T>(string key, Func<YamlNode, T> item) => Take(key) switch
        {
            null => [],
            YamlScalarNode { Value: "" or "~" or "null", Style: ScalarStyle.Plain } => [],
            YamlSequenceNode list => [.. list.Select(item).Distinct()],
            YamlNode other => throw Error(other, $"{key} must be a list ('- entry' lines), not {Describe(other)}"),
        };

        public int Pid(YamlNode node) =>
            node is YamlScalarNode { Value: { } text }
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && pid > 0
                ? pid
                : throw Error(node, $"pids must hold process numbers, not {Describe(node)}");

        public string Service(YamlNode node) =>
            node is YamlScalarNode { Value: { } name } && UnitName.TryService(name, out string? unit)
                ? unit
                : throw Error(node, $"services must hold names of systemd services, not {Describe(node)}");

        public MachineConfiguration Machine(YamlNode node)
        {
            if (node is not YamlMappingNode entry)
            {
                throw Error(node, $"vms must hold entries of 'name: ...' and 'qmp: ...' lines, not {Describe(node)}");
            }

            var map = new Mapping(_file, entry);
            var read = new MachineConfiguration(
                map.MachineName("name") ?? throw Error(node, "a virtual machine must have a name"),
                map.AbsolutePath("qmp") ?? throw Error(node, "a virtual machine must have its QMP socket: qmp: /path"),
                map.AbsolutePath("guest_agent"),
                map.Unit("unit"),
                map.AbsolutePath("qemu"));
            map.RefuseTheRest();
            return _machines.Add(read.Name) ? read : throw Error(node, $"the virtual machine {read.Name} is there twice");
        }

        public void RefuseTheRest()
        {
            foreach ((string name, (YamlScalarNode key, _)) in _left.OrderBy(entry => entry.Value.Key.Start.Line))
            {
                throw Error(key, $"unknown key '{name}'; the nearest known key is '{Nearest.Of(name, _known)}'");
            }
        }

        private static YamlMappingNode Root(string file, string text)
        {
            var events = new GuardedEvents(file, new Parser(new StringReader(text)));
            try
            {
                var yaml = new YamlStream();
                yaml.Load(events);
                return yaml.Documents switch
                {
                    [] => new YamlMappingNode(),
                    [{ RootNode: YamlMappingNode map }] => map,
                    [{ RootNode: YamlScalarNode { Value: "" } }] => new YamlMappingNode(),
                    [{ RootNode: { } other }] => throw Error(file, other, $"expected 'key: value' lines, not {Describe(other)}"),
                    _ => throw new ConfigurationException(file, 0, "expected one YAML document, found several"),
                };
            }
            catch (YamlException broken)
            {
                throw new ConfigurationException(file, (int)broken.Start.Line, $"not valid YAML: {broken.Message}");
            }
            catch (Exception broken) when (broken is InvalidOperationException or ArgumentException)
            {
                // YamlDotNet 16.3 throws these, without a place, for an unclosed list in brackets and a value without its key.
                throw new ConfigurationException(file, events.Line, "not valid YAML here or in the line before");
            }
        }

        private YamlNode? Take(string key)
        {
            _known.Add(key);
            return _left.Remove(key, out (YamlScalarNode Key, YamlNode Value) entry) ? entry.Value : null;
        }

        private ConfigurationException Error(YamlNode node, string problem) => Error(_file, node, problem);

        private static ConfigurationException Error(string file, YamlNode node, string problem) => new(file, (int)node.Start.Line, problem);

        private static string Describe(YamlNode node) => node switch
        {
            YamlScalarNode scalar => $"'{scalar.Value}'",
            YamlSequenceNode => "a list",
            _ => "a nested mapping",
        };
    }

    /// <summary>
    /// What the parser finds, before a tree is built of it: building one calls itself for each level, and a few aliases
    /// make a tree that takes forever to walk.
    /// </summary>
    private sealed class GuardedEvents(string file, Parser parser) : IParser
    {
        /// <summary>Stream, document, mapping, list, and some.</summary>
        private const int MaxDepth = 16;

        private int _depth;

        /// <summary>Of the last event.</summary>
        public int Line { get; private set; } = 1;

        public ParsingEvent? Current => parser.Current;

        public bool MoveNext()
        {
            if (!parser.MoveNext())
            {
                return false;
            }

            Line = (int)parser.Current!.Start.Line;
            _depth += parser.Current.NestingIncrease;
            return _depth > MaxDepth
                ? throw new ConfigurationException(file, Line, "nested too deeply: expected 'key: value' lines and lists")
                : parser.Current is AnchorAlias
                ? throw new ConfigurationException(file, Line, "an alias is not supported here; write the value out")
                : true;
        }
    }
}
