using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>sd-bus(3): messages. See sd_bus_message_append_basic(3), sd_bus_message_read_basic(3).</summary>
internal static partial class LibSystemd
{
    /// <summary>
    /// A message that is being written, or one that is being read from its start to its end. Type letters are D-Bus's.
    /// </summary>
    internal sealed class Message() : SafeHandle(0, ownsHandle: true)
    {
        private const string Appending = "sd_bus_message_append_basic";
        private const string Reading = "sd_bus_message_read_basic";

        public override bool IsInvalid => handle == 0;

        public Message Append(string value)
        {
            Check(sd_bus_message_append_basic(this, (byte)'s', value), Appending, value);
            return this;
        }

        public Message Append(bool value)
        {
            int number = value ? 1 : 0;
            Check(sd_bus_message_append_basic(this, (byte)'b', in number), Appending, "b");
            return this;
        }

        public Message Append(int value)
        {
            Check(sd_bus_message_append_basic(this, (byte)'i', in value), Appending, "i");
            return this;
        }

        public Message Append(uint value)
        {
            int bits = (int)value;
            Check(sd_bus_message_append_basic(this, (byte)'u', in bits), Appending, "u");
            return this;
        }

        /// <summary>The library keeps a duplicate of its own, with CLOEXEC.</summary>
        public Message Append(SafeHandle descriptor)
        {
            using Borrowed borrowed = new(descriptor);
            int number = borrowed.Descriptor;
            Check(sd_bus_message_append_basic(this, (byte)'h', in number), Appending, "h");
            return this;
        }

        public Message AppendArray(IEnumerable<string> values) =>
            Within('a', "s", () =>
            {
                foreach (string value in values)
                {
                    Append(value);
                }
            });

        /// <summary>PIDs travel as unsigned numbers.</summary>
        public Message AppendArray(IEnumerable<int> values) =>
            Within('a', "u", () =>
            {
                foreach (int value in values)
                {
                    Append((uint)value);
                }
            });

        /// <summary>One element of an array of properties: <c>(sv)</c>.</summary>
        public Message AppendProperty(string name, string signature, Action appendValue) =>
            Within('r', "sv", () =>
            {
                Append(name);
                Within('v', signature, appendValue);
            });

        /// <param name="type"><c>a</c> array, <c>v</c> variant, <c>r</c> structure.</param>
        /// <param name="contents">The signature of what is in it.</param>
        /// <param name="append">Writes it.</param>
        public Message Within(char type, string contents, Action append)
        {
            Check(sd_bus_message_open_container(this, (byte)type, contents), "sd_bus_message_open_container", contents);
            append();
            Check(sd_bus_message_close_container(this), "sd_bus_message_close_container", contents);
            return this;
        }

        public string ReadString() => ReadText('s');

        public string ReadPath() => ReadText('o');

        public bool ReadBool() => ReadNumber('b') != 0;

        public uint ReadUInt32() => (uint)ReadNumber('u');

        public ulong ReadUInt64()
        {
            CheckRead(sd_bus_message_read_basic(this, (byte)'t', out ulong value), "t");
            return value;
        }

        public IReadOnlyList<string> ReadStrings()
        {
            Enter('a', "s");
            List<string> values = [];
            while (TryReadText('s', out string value))
            {
                values.Add(value);
            }

            Exit();
            return values;
        }

        /// <summary>False at the end of the array that is being read.</summary>
        public bool Enter(char type, string contents) =>
            Check(
                sd_bus_message_enter_container(this, (byte)type, contents),
                "sd_bus_message_enter_container",
                contents) > 0;

        public void Exit() => Check(sd_bus_message_exit_container(this), "sd_bus_message_exit_container");

        /// <summary>Passes over one value.</summary>
        public void Skip(string type) => Check(sd_bus_message_skip(this, type), "sd_bus_message_skip", type);

        public bool IsSignal(string contract, string member) =>
            Check(sd_bus_message_is_signal(this, contract, member), "sd_bus_message_is_signal", member) > 0;

        protected override bool ReleaseHandle()
        {
            sd_bus_message_unref(handle);
            return true;
        }

        private int ReadNumber(char type)
        {
            CheckRead(sd_bus_message_read_basic(this, (byte)type, out int value), type.ToString());
            return value;
        }

        private string ReadText(char type) =>
            TryReadText(type, out string value) ? value : throw new LinuxException(Reading, $"{type}", Errno.ENXIO);

        private bool TryReadText(char type, out string value)
        {
            int result = Check(sd_bus_message_read_basic(this, (byte)type, out nint text), Reading, $"{type}");
            value = Marshal.PtrToStringUTF8(text) ?? "";
            return result > 0;
        }

        /// <summary>Zero is the end of what is there, where something was expected.</summary>
        private static void CheckRead(int result, string signature)
        {
            if (Check(result, Reading, signature) == 0)
            {
                throw new LinuxException(Reading, signature, Errno.ENXIO);
            }
        }
    }

    [LibraryImport(Library)]
    private static partial nint sd_bus_message_unref(nint message);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sd_bus_message_append_basic(Message message, byte type, string value);

    [LibraryImport(Library)]
    private static partial int sd_bus_message_append_basic(Message message, byte type, in int value);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sd_bus_message_open_container(Message message, byte type, string contents);

    [LibraryImport(Library)]
    private static partial int sd_bus_message_close_container(Message message);

    [LibraryImport(Library)]
    private static partial int sd_bus_message_read_basic(Message message, byte type, out nint text);

    [LibraryImport(Library)]
    private static partial int sd_bus_message_read_basic(Message message, byte type, out int number);

    [LibraryImport(Library)]
    private static partial int sd_bus_message_read_basic(Message message, byte type, out ulong number);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sd_bus_message_enter_container(Message message, byte type, string contents);

    [LibraryImport(Library)]
    private static partial int sd_bus_message_exit_container(Message message);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sd_bus_message_skip(Message message, string types);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sd_bus_message_is_signal(Message message, string contract, string member);
}
