import { Component, type ReactNode } from 'react';
import { FailedState } from '../ui/index.ts';

/** Keeps a bug of one view from taking the window with it: says so, and offers to draw the view anew. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, { readonly error: unknown }> {
  override readonly state: { readonly error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { readonly error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return <FailedState error={this.state.error} retry={() => this.setState({ error: undefined })} />;
  }
}
