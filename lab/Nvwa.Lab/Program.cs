using System.Runtime.InteropServices;
using Nvwa.Lab;
using Nvwa.Lab.Hosts;

using var interrupted = new CancellationTokenSource();
using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);

try
{
    return args switch
    {
        ["demo"] => await new Demo(Console.Out).RunAsync(interrupted.Token),
        ["demo", "vm"] => await new MachineDemo(Console.Out).RunAsync(interrupted.Token),
        ["shell"] or ["shell", "old"] => await GuestShell.RunAsync(LabKernel.Old, interrupted.Token),
        ["shell", "new"] => await GuestShell.RunAsync(LabKernel.New, interrupted.Token),
        ["compatibility"] => Compatibility(),
        _ => Usage(),
    };
}
catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
{
    return 130;
}

// The guest and what it has on this host are removed before we go.
void Interrupt(PosixSignalContext context)
{
    context.Cancel = true;
    interrupted.Cancel();
}

static int Compatibility()
{
    Console.Write(CompatibilityTable.Render());
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("usage: demo [vm] | shell [old|new] | compatibility");
    return 2;
}
