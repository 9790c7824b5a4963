using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>sd-bus(3): connections. See sd_bus_set_address(3), sd_bus_call(3), sd_bus_process(3).</summary>
internal static partial class LibSystemd
{
    /// <summary>One connection. Not thread safe, and neither are its messages.</summary>
    internal sealed class Bus() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        /// <summary>Connects to a peer that is no message bus: no Hello, no names, no match rules.</summary>
        public static Bus Connect(string address)
        {
            Check(sd_bus_new(out Bus bus), "sd_bus_new");
            try
            {
                Check(sd_bus_set_address(bus, address), "sd_bus_set_address", address);
                Check(sd_bus_start(bus), "sd_bus_start", address);
                return bus;
            }
            catch
            {
                bus.Dispose();
                throw;
            }
        }

        public Message NewCall(string destination, string path, string contract, string member)
        {
            Check(
                sd_bus_message_new_method_call(this, out Message message, destination, path, contract, member),
                "sd_bus_message_new_method_call",
                member);
            return message;
        }

        /// <summary>
        /// Sends and waits for the reply. What else arrives meanwhile is kept for <see cref="Process"/>.
        /// </summary>
        /// <param name="request">Ready to be sent.</param>
        /// <param name="timeout">For the reply.</param>
        /// <param name="operation">What an exception is to name: the member that is called.</param>
        /// <param name="subject">What it is called for.</param>
        /// <exception cref="SystemdException">The peer's answer is an error.</exception>
        /// <exception cref="LinuxException">There is no answer: ETIMEDOUT, ECONNRESET and others.</exception>
        public Message Call(Message request, TimeSpan timeout, string operation, string? subject)
        {
            ErrorBuffer error = default;
            try
            {
                int result = sd_bus_call(this, request, Microseconds(timeout), ref error, out Message reply);
                if (result >= 0)
                {
                    return reply;
                }

                reply.Dispose();
                throw Failure(-result, in error, operation, subject);
            }
            finally
            {
                sd_bus_error_free(ref error);
            }
        }

        /// <summary>One step of reading, writing and dispatching. False if nothing is left to do now.</summary>
        /// <param name="receive">Gets a signal that came in; null to drop it.</param>
        public bool Process(Action<Message>? receive)
        {
            int result = sd_bus_process(this, out Message message);
            using (message)
            {
                Check(result, "sd_bus_process");
                if (!message.IsInvalid)
                {
                    receive?.Invoke(message);
                }
            }

            return result > 0;
        }

        /// <summary>Waits until <see cref="Process"/> has something to do: false if the deadline came first.</summary>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public bool Wait(Deadline deadline, CancellationToken cancellationToken)
        {
            using Interruption interruption = new(cancellationToken);
            short events = (short)Check(sd_bus_get_events(this), "sd_bus_get_events");
            Span<Libc.PollEntry> entries =
            [
                new(Check(sd_bus_get_fd(this), "sd_bus_get_fd")) { Events = events },
                new((int)interruption.Handle.DangerousGetHandle()),
            ];
            bool ready = Libc.Poll(entries, deadline);
            cancellationToken.ThrowIfCancellationRequested();
            return ready;
        }

        protected override bool ReleaseHandle()
        {
            sd_bus_close_unref(handle);
            return true;
        }

        /// <summary>The library also fills in the error for what went wrong on this side, so the number decides.</summary>
        private static Exception Failure(int errno, in ErrorBuffer error, string operation, string? subject)
        {
            bool transport = errno is Errno.ETIMEDOUT or Errno.ECONNRESET or Errno.ENOTCONN or Errno.EPIPE
                or Errno.ECONNABORTED or Errno.ECONNREFUSED;
            string? name = Marshal.PtrToStringUTF8(error.Name);
            return transport || name is null
                ? new LinuxException(operation, subject, errno)
                : new SystemdException(operation, subject, name, Marshal.PtrToStringUTF8(error.Message) ?? "");
        }
    }

    /// <summary>sd_bus_error: see sd_bus_error(3).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ErrorBuffer
    {
        public nint Name;
        public nint Message;
        public int NeedFree;
    }

    [LibraryImport(Library)]
    private static partial int sd_bus_new(out Bus bus);

    [LibraryImport(Library)]
    private static partial nint sd_bus_close_unref(nint bus);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sd_bus_set_address(Bus bus, string address);

    [LibraryImport(Library)]
    private static partial int sd_bus_start(Bus bus);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sd_bus_message_new_method_call(
        Bus bus, out Message message, string destination, string path, string contract, string member);

    [LibraryImport(Library)]
    private static partial int sd_bus_call(
        Bus bus, Message request, ulong microseconds, ref ErrorBuffer error, out Message reply);

    [LibraryImport(Library)]
    private static partial int sd_bus_process(Bus bus, out Message message);

    [LibraryImport(Library)]
    private static partial int sd_bus_get_fd(Bus bus);

    [LibraryImport(Library)]
    private static partial int sd_bus_get_events(Bus bus);

    [LibraryImport(Library)]
    private static partial void sd_bus_error_free(ref ErrorBuffer error);
}
